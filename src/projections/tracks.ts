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
export type TrackDraft = { -readonly [Column in keyof TrackRow]: TrackRow[Column] };

/** What an event changes of a row. */
type Change = { -readonly [Column in keyof TrackRow]?: TrackRow[Column] };

/**
 * The row of a track after one more event of its stream; null: there is no row. An event whose revision the row
 * already has changes nothing, so repeated delivery is harmless.
 *
 * @throws RangeError where the event brings what the table cannot hold
 */
export function applyToTrack(row: TrackRow | null, trackId: string, fact: FactAt): TrackRow | null {
  return nextRow(row, trackId, fact, (known) => ({ ...known }));
}

/** The same, but the row that is given is itself changed, unless the event cannot be taken. */
export function changeTrack(row: TrackDraft | null, trackId: string, fact: FactAt): TrackDraft | null {
  return nextRow(row, trackId, fact, (known) => known);
}

function nextRow<Row extends TrackRow>(
  row: Row | null,
  trackId: string,
  { event, revision }: FactAt,
  own: (row: Row) => TrackDraft,
): Row | TrackDraft | null {
  if (row !== null && revision <= row.streamRevision) return row;
  if (event.type === 'Erased') return null;
  const updatedAt = timeOf('occurredAt', event.meta.occurredAt);
  const id = row === null ? keyOf('trackId', trackId) : row.trackId;
  const change = changeBy(row ?? blank, event, revision, updatedAt);
  // Nothing can go wrong from here on.
  const next = row === null ? { ...blank, trackId: id } : own(row);
  next.streamRevision = revision;
  next.updatedAt = updatedAt;
  return change === null ? next : Object.assign(next, change);
}

/** Null: nothing but how far its stream is known. */
function changeBy(
  row: TrackRow,
  event: Exclude<FactAt['event'], { readonly type: 'Erased' }>,
  revision: number,
  occurredAt: string,
): Change | null {
  switch (event.type) {
    case 'TaskReceived': {
      const { origin, request } = event.data;
      if (origin.kind !== 'request') return null;
      return { artist: textOf('artist', request.artist), title: textOf('title', request.title) };
    }
    case 'CacheHit':
      return { ...work(row), ...answered(row, event.data.provider) };
    case 'ApiCalled': {
      const { outcome, provider } = event.data;
      const isAnswer = outcome.kind === 'found' || outcome.kind === 'missing';
      return isAnswer ? { ...work(row), ...answered(row, provider) } : work(row);
    }
    case 'Deferred':
      return {
        ...work(row),
        retryAt: timeOf('until', event.data.until),
        leftOut: names(event.data.leftOut),
      };
    case 'Enriched':
      return {
        ...enrich(event.data),
        enrichmentTimestamp: occurredAt,
        enrichedEventId: event.id,
        enrichedRevision: revision,
      };
    case 'Failed': {
      const { final, reason, attempt, retryAt, leftOut } = event.data;
      const change: Change = {
        ...work(row),
        attempts: integerOf('attempt', attempt),
        retryAt: timeOrNull('retryAt', retryAt),
        leftOut: names(leftOut),
      };
      // A final failure never takes away what the track has.
      if (final && row.enrichedEventId === null) {
        change.status = 'failed';
        change.failureReason = textOf('reason', reason);
      }
      return change;
    }
    case 'Replayed':
    case 'Dismissed':
      return null;
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

/** What a change of all values begins as: to fill in what is there is cheaper than to add it. */
const noValues: Change = Object.fromEntries(trackFields.map((field) => [field, null]));

const working: Change = { status: 'in_progress', failureReason: null };

/** Work on a track that has nothing yet shows; what it has stays what it is. */
function work(row: TrackRow): Change | null {
  const isShown =
    row.enrichedEventId !== null || (row.status === 'in_progress' && row.failureReason === null);
  return isShown ? null : working;
}

/** The provider is no longer among those that gave no answer. */
function answered({ leftOut }: TrackRow, provider: Provider): Change | null {
  return leftOut.includes(provider) ? { leftOut: leftOut.filter((one) => one !== provider) } : null;
}

function enrich({
  snapshot,
  status,
  sources,
  leftOut,
  artist,
  title,
  ruleVersion,
  redecides,
}: Enriched['data']): Change {
  const change: Change = { ...noValues };
  const values = change as Record<TrackField, unknown>;
  const provenance: Record<string, ColumnProvenance> = {};
  for (const field of trackFields) {
    const source = snapshot[field];
    values[field] = trackValueOf(field, source?.value);
    if (source !== undefined) provenance[columnOf(field)] = provenanceOf(source);
  }
  if (status !== 'completed' && status !== 'partial') throw refused('status', status, 'is no status');
  // Decided again are the values alone: a newer task may be under way, and what it said of the track stands.
  if (redecides === undefined) {
    change.artist = textOf('artist', artist);
    change.title = textOf('title', title);
    change.retryAt = null;
    change.leftOut = names(leftOut);
  }
  // By other rules it can come to nothing.
  change.status = sources.length === 0 ? 'failed' : status;
  change.failureReason = sources.length === 0 ? 'not_found' : null;
  change.enrichmentSources = textsOf('sources', sources);
  change.enrichmentSourceApi = mostFields(Object.values(provenance));
  change.sourceDataVersion = versionOf(ruleVersion);
  change.provenance = provenance;
  return change;
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
