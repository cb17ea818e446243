import type { Enriched, ValueSource } from '../domain/events.ts';
import { type Provider, providers } from '../domain/provider.ts';
import { type TrackField, trackFields } from '../domain/track-values.ts';
import type { FactAt } from './read-model.ts';
import type { TrackRow } from './schema.ts';
import { integerOf, keyOf, numberOf, refused, textOf, textsOf, timeOf, timeOrNull } from './storable.ts';
import { columnOf } from './track-columns.ts';
import { trackValueOf } from './track-value.ts';

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
type Draft = { -readonly [Column in keyof TrackRow]: TrackRow[Column] };

/**
 * The row of a track after one more event of its stream; null: there is no row. An event whose revision the row
 * already has changes nothing, so repeated delivery is harmless.
 *
 * @throws RangeError where the event brings what the table cannot hold
 */
export function applyToTrack(
  row: TrackRow | null,
  trackId: string,
  { event, revision }: FactAt,
): TrackRow | null {
  if (row !== null && revision <= row.streamRevision) return row;
  if (event.type === 'Erased') return null;
  const occurredAt = timeOf('occurredAt', event.meta.occurredAt);
  const next: Draft = row === null ? { ...blank, trackId: keyOf('trackId', trackId) } : { ...row };
  next.streamRevision = revision;
  next.updatedAt = occurredAt;
  switch (event.type) {
    case 'TaskReceived': {
      if (event.data.origin.kind !== 'request') return next;
      next.artist = textOf('artist', event.data.request.artist);
      next.title = textOf('title', event.data.request.title);
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
      next.retryAt = timeOf('until', event.data.until);
      next.leftOut = names(event.data.leftOut);
      return next;
    case 'Enriched':
      enrich(next, event.data);
      next.enrichmentTimestamp = occurredAt;
      next.enrichedEventId = event.id;
      next.enrichedRevision = revision;
      return next;
    case 'Failed': {
      const { final, reason, attempt, retryAt, leftOut } = event.data;
      work(next);
      next.attempts = integerOf('attempt', attempt);
      next.retryAt = timeOrNull('retryAt', retryAt);
      next.leftOut = names(leftOut);
      // A final failure never takes away what the track has.
      if (final && next.enrichedEventId === null) {
        next.status = 'failed';
        next.failureReason = textOf('reason', reason);
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

function enrich(
  row: Draft,
  { snapshot, status, sources, leftOut, artist, title, ruleVersion, redecides }: Enriched['data'],
): void {
  const values = row as Record<TrackField, unknown>;
  const provenance: Record<string, ColumnProvenance> = {};
  for (const field of trackFields) {
    const source = snapshot[field];
    values[field] = trackValueOf(field, source?.value);
    if (source !== undefined) provenance[columnOf(field)] = provenanceOf(source);
  }
  if (status !== 'completed' && status !== 'partial') throw refused('status', status, 'is no status');
  // Decided again are the values alone: a newer task may be under way, and what it said of the track stands.
  if (redecides === undefined) {
    row.artist = textOf('artist', artist);
    row.title = textOf('title', title);
    row.retryAt = null;
    row.leftOut = names(leftOut);
  }
  // By other rules it can come to nothing.
  row.status = sources.length === 0 ? 'failed' : status;
  row.failureReason = sources.length === 0 ? 'not_found' : null;
  row.enrichmentSources = textsOf('sources', sources);
  row.enrichmentSourceApi = mostFields(Object.values(provenance));
  row.sourceDataVersion = versionOf(ruleVersion);
  row.provenance = provenance;
}

function provenanceOf(source: ValueSource<unknown>): ColumnProvenance {
  const provider = textOf('provider', source.provider) as Provider;
  const eventId = textOf('eventId', source.eventId);
  const [revision, confidence] = [
    integerOf('revision', source.revision),
    numberOf('confidence', source.confidence),
  ];
  return { provider, eventId, revision, confidence };
}

const versionCharsMax = 100;

function versionOf(ruleVersion: unknown): string {
  const text = textOf('ruleVersion', ruleVersion);
  if (text.length > versionCharsMax) throw refused('ruleVersion', text, 'is too long');
  return text;
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
  return leftOut.map(({ provider }) => textOf('leftOut', provider));
}

function without(leftOut: readonly string[], provider: Provider): string[] {
  return leftOut.filter((one) => one !== provider);
}
