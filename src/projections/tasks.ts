import type { TrackEventType } from '../domain/events.ts';
import { trackIdOfStream } from '../domain/stream-names.ts';
import type { FactAt } from './read-model.ts';
import type { TaskRow } from './schema.ts';

/** A row while it is made. */
type Draft = { -readonly [Column in keyof TaskRow]: TaskRow[Column] };

/** Facts without a task, such as those of an erased one, are no task. */
const begins: ReadonlySet<TrackEventType> = new Set(['TaskReceived', 'Deferred', 'Enriched', 'Failed']);

/**
 * The row of a task after one more event that names it; null: there is none. An event whose revision the row already
 * has changes nothing, so repeated delivery is harmless. `Erased` is not for this: it takes every row of its stream.
 */
export function applyToTask(
  row: TaskRow | null,
  stream: string,
  { event, revision }: FactAt,
): TaskRow | null {
  if (row !== null && revision <= row.revision) return row;
  if (row === null && !begins.has(event.type)) return null;
  const { occurredAt, hop, taskId } = event.meta;
  const next: Draft = row === null ? newRow(stream, taskId) : { ...row };
  next.revision = revision;
  next.updatedAt = occurredAt;
  switch (event.type) {
    case 'TaskReceived': {
      next.hop = hop;
      if (next.receivedAt !== null) {
        // Of what is received again only the hop is new.
        if (isOpen(next)) become(next, 'open', null);
        return next;
      }
      const { request, origin } = event.data;
      next.artist = request.artist;
      next.title = request.title;
      next.source = request.source;
      next.priority = request.priority;
      next.origin = origin.kind;
      next.ofTaskId = origin.kind === 'request' ? null : origin.ofTaskId;
      next.provider = origin.kind === 'follow-up' ? origin.provider : null;
      next.receivedAt = occurredAt;
      return next;
    }
    case 'CacheHit':
    case 'ApiCalled':
      return next;
    case 'Deferred':
    case 'Enriched':
    case 'Failed': {
      // What was decided again has the values of the track alone; only a failure for want of them is no longer one.
      if (event.type === 'Enriched' && event.data.redecides !== undefined && next.status !== 'failed')
        return row === null ? null : next;
      next.hop = hop;
      next.decidedAt = occurredAt;
      next.leftOut = [...event.data.leftOut];
      if (event.type === 'Enriched') become(next, 'enriched', null);
      else if (event.type === 'Deferred') become(next, 'waiting', event.data.until);
      else {
        const { final, reason, message, attempt, retryAt } = event.data;
        become(next, final ? 'failed' : 'waiting', retryAt);
        next.attempts = attempt;
        next.failureReason = reason;
        next.failureMessage = message;
      }
      return next;
    }
    case 'Replayed':
    case 'Dismissed': {
      if (next.status !== 'failed') return next;
      const { by, why } = event.data;
      next.settlement = event.type === 'Replayed' ? 'replayed' : 'dismissed';
      next.settledAt = occurredAt;
      next.settledBy = by;
      next.settledWhy = why;
      if (event.type === 'Replayed') next.replayedAs = event.data.newTaskId;
      return next;
    }
    case 'Erased':
      return null;
    default:
      return event satisfies never;
  }
}

function become(row: Draft, status: TaskRow['status'], dueAt: string | null): void {
  row.status = status;
  row.dueAt = dueAt;
}

function isOpen({ status }: TaskRow): boolean {
  return status === 'open' || status === 'waiting';
}

function newRow(stream: string, taskId: string): TaskRow {
  return {
    stream,
    taskId,
    trackId: trackIdOfStream(stream),
    artist: '',
    title: '',
    source: null,
    priority: 0,
    origin: 'request',
    ofTaskId: null,
    provider: null,
    status: 'open',
    hop: 0,
    attempts: 0,
    dueAt: null,
    receivedAt: null,
    decidedAt: null,
    leftOut: [],
    failureReason: null,
    failureMessage: null,
    settlement: null,
    settledAt: null,
    settledBy: null,
    settledWhy: null,
    replayedAs: null,
    revision: -1,
    updatedAt: '',
  };
}
