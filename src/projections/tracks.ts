import type { Enriched, RecordedTrackEvent } from '../domain/events.ts';
import { type Provider, providers } from '../domain/provider.ts';
import { type TrackField, trackFields } from '../domain/track-values.ts';
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

/**
 * The row of a track after one more event of its stream; null: there is no row. An event whose revision the row
 * already has changes nothing, so repeated delivery is harmless.
 */
export function applyToTrack(
  row: TrackRow | null,
  trackId: string,
  { event, revision }: RecordedTrackEvent,
): TrackRow | null {
  if (row !== null && revision <= row.streamRevision) return row;
  const { occurredAt } = event.meta;
  if (event.type === 'Erased') return null;
  const known = row ?? newRow(trackId, occurredAt);
  const seen: TrackRow = { ...known, streamRevision: revision, updatedAt: occurredAt };
  switch (event.type) {
    case 'TaskReceived': {
      if (event.data.origin.kind !== 'request') return seen;
      const { artist, title } = event.data.request;
      return { ...seen, artist, title };
    }
    case 'CacheHit':
      return { ...working(seen), leftOut: without(seen.leftOut, event.data.provider) };
    case 'ApiCalled': {
      const answered = event.data.outcome.kind === 'found' || event.data.outcome.kind === 'missing';
      return answered
        ? { ...working(seen), leftOut: without(seen.leftOut, event.data.provider) }
        : working(seen);
    }
    case 'Deferred':
      return { ...working(seen), retryAt: event.data.until, leftOut: names(event.data.leftOut) };
    case 'Enriched':
      return enrich(seen, event.id, revision, occurredAt, event.data);
    case 'Failed': {
      const { final, reason, attempt, retryAt, leftOut } = event.data;
      const failed = { ...working(seen), attempts: attempt, retryAt, leftOut: names(leftOut) };
      // A final failure never takes away what the track has.
      if (!final || seen.enrichedEventId !== null) return failed;
      return { ...failed, status: 'failed', failureReason: reason };
    }
    case 'Replayed':
    case 'Dismissed':
      return seen;
    default:
      return event satisfies never;
  }
}

function newRow(trackId: string, occurredAt: string): TrackRow {
  const values = Object.fromEntries(trackFields.map((field) => [field, null])) as Record<TrackField, null>;
  return {
    ...values,
    trackId,
    artist: '',
    title: '',
    status: 'pending',
    failureReason: null,
    attempts: 0,
    leftOut: [],
    retryAt: null,
    enrichmentSources: [],
    enrichmentTimestamp: null,
    enrichmentSourceApi: null,
    sourceDataVersion: null,
    provenance: {},
    enrichedEventId: null,
    enrichedRevision: null,
    streamRevision: -1,
    updatedAt: occurredAt,
  };
}

/** Work on a track that has nothing yet shows; what it has stays what it is. */
function working(row: TrackRow): TrackRow {
  return row.enrichedEventId === null ? { ...row, status: 'in_progress', failureReason: null } : row;
}

function enrich(
  row: TrackRow,
  eventId: string,
  revision: number,
  occurredAt: string,
  { snapshot, status, sources, leftOut, artist, title, ruleVersion }: Enriched['data'],
): TrackRow {
  const values: Record<string, unknown> = {};
  const provenance: Record<string, ColumnProvenance> = {};
  for (const field of trackFields) {
    const source = snapshot[field];
    values[field] = source?.value ?? null;
    if (source === undefined) continue;
    const { provider, confidence } = source;
    provenance[columnOf(field)] = {
      provider,
      eventId: source.eventId,
      revision: source.revision,
      confidence,
    };
  }
  return {
    ...row,
    ...values,
    artist,
    title,
    status,
    failureReason: null,
    retryAt: null,
    leftOut: names(leftOut),
    enrichmentSources: [...sources],
    enrichmentTimestamp: occurredAt,
    enrichmentSourceApi: mostFields(Object.values(provenance)),
    sourceDataVersion: ruleVersion,
    provenance,
    enrichedEventId: eventId,
    enrichedRevision: revision,
  };
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
