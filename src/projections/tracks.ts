import type { Failed } from '../domain/events.ts';
import { type Provider, providers } from '../domain/provider.ts';
import { type TrackField, trackFields } from '../domain/track-values.ts';
import type { SkimmedEnriched, ValuesOfAnswer } from '../ledger/skimmed-event.ts';
import { checkAnswers, provenanceOf } from './provenance.ts';
import type { FactAt } from './read-model.ts';
import type { TrackRow } from './schema.ts';
import { integerOf, keyOf, refused, textOf, textsOf, timeOf, timeOrNull } from './storable.ts';

/** A row while it is made. */
export type TrackDraft = { -readonly [Column in keyof TrackRow]: TrackRow[Column] } & {
  /** What its values are from, where its provenance is older: that is put together of them in the end. Null: it is not. */
  answers: readonly ValuesOfAnswer[] | null;
};

/**
 * The row of a track after one more event of its stream; null: there is no row. An event whose revision the row
 * already has changes nothing, so repeated delivery is harmless.
 *
 * @throws RangeError where the event brings what the table cannot hold
 */
export function applyToTrack(row: TrackRow | null, trackId: string, fact: FactAt): TrackRow | null {
  if (row !== null && fact.revision <= row.streamRevision) return row;
  const changed = changeTrack(row === null ? null : { ...row, answers: null }, trackId, fact);
  if (changed === null) return null;
  const { answers, ...rest } = changed;
  return answers === null ? rest : { ...rest, provenance: provenanceOf(answers) };
}

/** The same, but the row that is given is itself changed, unless the event cannot be taken. */
export function changeTrack(
  row: TrackDraft | null,
  trackId: string,
  { event, revision }: FactAt,
): TrackDraft | null {
  if (row !== null && revision <= row.streamRevision) return row;
  if (event.type === 'Erased') return null;
  const updatedAt = timeOf('occurredAt', event.meta.occurredAt);
  const next = row ?? { ...blank, trackId: keyOf('trackId', trackId) };
  change(next, event, revision, updatedAt);
  next.streamRevision = revision;
  next.updatedAt = updatedAt;
  return next;
}

/** Looks at all that an event brings before it changes anything. */
function change(
  row: TrackDraft,
  event: Exclude<FactAt['event'], { readonly type: 'Erased' }>,
  revision: number,
  occurredAt: string,
): void {
  switch (event.type) {
    case 'TaskReceived': {
      const { origin, request } = event.data;
      if (origin.kind !== 'request') return;
      const [artist, title] = [textOf('artist', request.artist), textOf('title', request.title)];
      row.artist = artist;
      row.title = title;
      return;
    }
    case 'CacheHit':
      work(row);
      answered(row, event.data.provider);
      return;
    case 'ApiCalled': {
      const { outcome, provider } = event.data;
      work(row);
      if (outcome.kind === 'found' || outcome.kind === 'missing') answered(row, provider);
      return;
    }
    case 'Deferred': {
      const retryAt = timeOf('until', event.data.until);
      const leftOut = names(event.data.leftOut);
      work(row);
      row.retryAt = retryAt;
      row.leftOut = leftOut;
      return;
    }
    case 'Enriched':
      enrich(row, event, revision, occurredAt);
      return;
    case 'Failed':
      fail(row, event.data);
      return;
    case 'Replayed':
    case 'Dismissed':
      return;
    default:
      event satisfies never;
  }
}

/** Written out, column by column: what is copied from an object that was made so is cheap to copy and to change. */
const blank: TrackDraft = {
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
  answers: null,
};

/** Work on a track that has nothing yet shows; what it has stays what it is. */
function work(row: TrackDraft): void {
  if (row.enrichedEventId !== null) return;
  row.status = 'in_progress';
  row.failureReason = null;
}

/** The provider is no longer among those that gave no answer. */
function answered(row: TrackDraft, provider: Provider): void {
  if (row.leftOut.includes(provider)) row.leftOut = row.leftOut.filter((one) => one !== provider);
}

function fail(row: TrackDraft, data: Failed['data']): void {
  const attempts = integerOf('attempt', data.attempt);
  const retryAt = timeOrNull('retryAt', data.retryAt);
  const leftOut = names(data.leftOut);
  // A final failure never takes away what the track has.
  const isEnd = data.final && row.enrichedEventId === null;
  const reason = isEnd ? textOf('reason', data.reason) : null;
  work(row);
  row.attempts = attempts;
  row.retryAt = retryAt;
  row.leftOut = leftOut;
  if (!isEnd) return;
  row.status = 'failed';
  row.failureReason = reason;
}

/** Again, all is looked at before the first change. */
function enrich(row: TrackDraft, { id, data }: SkimmedEnriched, revision: number, occurredAt: string): void {
  const { snapshot, status, redecides } = data;
  checkAnswers(snapshot);
  if (status !== 'completed' && status !== 'partial') throw refused('status', status, 'is no status');
  const sources = textsOf('sources', data.sources);
  const ruleVersion = versionOf(data.ruleVersion);
  // Decided again are the values alone: a newer task may be under way, and what it said of the track stands.
  if (redecides === undefined) {
    const [artist, title] = [textOf('artist', data.artist), textOf('title', data.title)];
    row.leftOut = names(data.leftOut);
    row.artist = artist;
    row.title = title;
    row.retryAt = null;
  }
  const values = row as Record<TrackField, unknown>;
  for (const field of trackFields) values[field] = null;
  for (const answer of snapshot) {
    for (const { field, value } of answer.values) values[field] = value ?? null;
  }
  row.answers = snapshot;
  // By other rules it can come to nothing.
  row.status = sources.length === 0 ? 'failed' : status;
  row.failureReason = sources.length === 0 ? 'not_found' : null;
  row.enrichmentSources = sources;
  row.enrichmentSourceApi = mostFields(snapshot);
  row.sourceDataVersion = ruleVersion;
  row.enrichmentTimestamp = occurredAt;
  row.enrichedEventId = id;
  row.enrichedRevision = revision;
}

const versionCharsMax = 100;

function versionOf(ruleVersion: unknown): string {
  const text = textOf('ruleVersion', ruleVersion);
  if (text.length > versionCharsMax) throw refused('ruleVersion', text, 'is too long');
  return text;
}

function mostFields(snapshot: readonly ValuesOfAnswer[]): Provider | null {
  let most: Provider | null = null;
  let mostCount = 0;
  for (const one of providers) {
    let count = 0;
    for (const { provider, values } of snapshot) if (provider === one) count += values.length;
    if (count > mostCount) [most, mostCount] = [one, count];
  }
  return most;
}

function names(leftOut: readonly { readonly provider: Provider }[]): string[] {
  return leftOut.map(({ provider }) => textOf('leftOut', provider));
}
