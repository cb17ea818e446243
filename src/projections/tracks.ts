import type { Snapshot } from '../domain/events.ts';
import { type Provider, providers } from '../domain/provider.ts';
import { type TrackField, trackFields } from '../domain/track-values.ts';
import type { SkimmedEnriched } from '../ledger/skimmed-event.ts';
import type { FactAt } from './read-model.ts';
import type { TrackRow } from './schema.ts';
import { columnOf } from './track-columns.ts';

/** Where the value of a column comes from. */
export interface ColumnProvenance {
  readonly provider: Provider;
  /** The `ApiCalled` or `CacheHit` that recorded the answer, and its revision in the track's stream. */
  readonly eventId: string;
  readonly revision: number;
  /** 0 to 1. */
  readonly confidence: number;
}

/** A row while it is made. */
export type Draft = { -readonly [Column in keyof TrackRow]: TrackRow[Column] };

/**
 * The row of a track after one more event of its stream; null: there is no row. An event whose revision the row
 * already has changes nothing, so repeated delivery is harmless.
 *
 * @param later says true where it sees to it by itself that the newest snapshot is taken, which no other event touches
 */
export function applyToTrack(
  row: TrackRow | null,
  trackId: string,
  { event, revision }: FactAt,
  later: (enriched: SkimmedEnriched['data']) => boolean = () => false,
): TrackRow | null {
  if (row !== null && revision <= row.streamRevision) return row;
  const { occurredAt } = event.meta;
  if (event.type === 'Erased') return null;
  const next: Draft = row === null ? { ...blank, trackId } : { ...row };
  next.streamRevision = revision;
  next.updatedAt = occurredAt;
  switch (event.type) {
    case 'TaskReceived': {
      if (event.data.origin.kind !== 'request') return next;
      next.artist = event.data.request.artist;
      next.title = event.data.request.title;
      return next;
    }
    case 'CacheHit':
      work(next);
      next.leftOut = without(next.leftOut, event.data.provider);
      return next;
    case 'ApiCalled': {
      const { outcome, provider } = event.data;
      work(next);
      if (outcome.kind === 'found' || outcome.kind === 'missing')
        next.leftOut = without(next.leftOut, provider);
      return next;
    }
    case 'Deferred':
      work(next);
      next.retryAt = event.data.until;
      next.leftOut = names(event.data.leftOut);
      return next;
    case 'Enriched':
      enrich(next, event.data);
      // Decided again are the values alone: a newer task may be under way, and what it said of the track stands.
      if (event.data.redecides === undefined) settle(next, event.data);
      if (!later(event.data)) takeSnapshot(next, event.data.snapshot);
      next.enrichmentTimestamp = occurredAt;
      next.enrichedEventId = event.id;
      next.enrichedRevision = revision;
      return next;
    case 'Failed': {
      const { final, reason, attempt, retryAt, leftOut } = event.data;
      work(next);
      next.attempts = attempt;
      next.retryAt = retryAt;
      next.leftOut = names(leftOut);
      // A final failure never takes away what the track has.
      if (final && next.enrichedEventId === null) {
        next.status = 'failed';
        next.failureReason = reason;
      }
      return next;
    }
    case 'Replayed':
    case 'Dismissed':
      return next;
    default:
      return event satisfies never;
  }
}

/** Written out, column by column: copies of an object that was made so are cheap, and a rebuild makes one an event. */
const blank: TrackRow = {
  trackId: '',
  artist: '',
  title: '',
  status: 'pending',
  failureReason: null,
  attempts: 0,
  leftOut: [],
  retryAt: null,
  isrc: null,
  spotifyId: null,
  musicbrainzId: null,
  lastfmUrl: null,
  durationMs: null,
  bpm: null,
  key: null,
  camelotKey: null,
  tempoConfidence: null,
  energy: null,
  danceability: null,
  valence: null,
  releaseDate: null,
  genre: null,
  label: null,
  album: null,
  artworkSmallUrl: null,
  artworkMediumUrl: null,
  artworkLargeUrl: null,
  spotifyPopularity: null,
  lastfmPlaycount: null,
  lastfmListeners: null,
  enrichmentSources: [],
  enrichmentTimestamp: null,
  enrichmentSourceApi: null,
  sourceDataVersion: null,
  provenance: {},
  enrichedEventId: null,
  enrichedRevision: null,
  streamRevision: -1,
  updatedAt: '',
};

/** Work on a track that has nothing yet shows; what it has stays what it is. */
function work(row: Draft): void {
  if (row.enrichedEventId !== null) return;
  row.status = 'in_progress';
  row.failureReason = null;
}

function settle(row: Draft, { artist, title, leftOut }: SkimmedEnriched['data']): void {
  row.artist = artist;
  row.title = title;
  row.retryAt = null;
  row.leftOut = names(leftOut);
}

function enrich(row: Draft, { status, sources, ruleVersion }: SkimmedEnriched['data']): void {
  // By other rules it can come to nothing.
  row.status = sources.length === 0 ? 'failed' : status;
  row.failureReason = sources.length === 0 ? 'not_found' : null;
  row.enrichmentSources = [...sources];
  row.sourceDataVersion = ruleVersion;
}

/** The values of a snapshot, in the place of those before. */
export function takeSnapshot(row: Draft, snapshot: Snapshot): void {
  const values = row as Record<TrackField, unknown>;
  const provenance: Record<string, ColumnProvenance> = {};
  for (const field of trackFields) {
    const source = snapshot[field];
    values[field] = source?.value ?? null;
    if (source === undefined) continue;
    const { provider, confidence, eventId, revision } = source;
    provenance[columnOf(field)] = { provider, eventId, revision, confidence };
  }
  row.enrichmentSourceApi = mostFields(Object.values(provenance));
  row.provenance = provenance;
}

function mostFields(given: readonly ColumnProvenance[]): Provider | null {
  let most: Provider | null = null;
  let mostCount = 0;
  for (const provider of providers) {
    const count = given.filter((one) => one.provider === provider).length;
    if (count > mostCount) [most, mostCount] = [provider, count];
  }
  return most;
}

function names(leftOut: readonly { readonly provider: Provider }[]): string[] {
  return leftOut.map(({ provider }) => provider);
}

function without(leftOut: readonly string[], provider: Provider): string[] {
  return leftOut.filter((one) => one !== provider);
}
