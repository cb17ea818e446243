import { trackIdOfStream } from '../domain/stream-names.ts';
import type { FactAt } from './read-model.ts';
import type { TaskRow } from './schema.ts';

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
  const { occurredAt, hop, taskId } = event.meta;
  const changed = (change: Partial<TaskRow>): TaskRow => ({
    ...(row ?? newRow(stream, taskId)),
    ...change,
    revision,
    updatedAt: occurredAt,
  });
  switch (event.type) {
    case 'TaskReceived': {
      const { request, origin } = event.data;
      // Of what is received again only the hop is new.
      if (row !== null && row.receivedAt !== null)
        return changed({ hop, ...(isOpen(row) ? { status: 'open', dueAt: null } : {}) });
      return changed({
        artist: request.artist,
        title: request.title,
        source: request.source,
        priority: request.priority,
        origin: origin.kind,
        ofTaskId: origin.kind === 'request' ? null : origin.ofTaskId,
        provider: origin.kind === 'follow-up' ? origin.provider : null,
        hop,
        receivedAt: occurredAt,
      });
    }
    case 'CacheHit':
    case 'ApiCalled':
      // Facts without a task, such as those of an erased one, are no task.
      return row === null ? null : changed({});
    case 'Deferred': {
      const { until, leftOut } = event.data;
      return changed({ status: 'waiting', hop, dueAt: until, decidedAt: occurredAt, leftOut: [...leftOut] });
    }
    case 'Enriched':
      // What was decided again has the values of the track alone; only a failure for want of them is no longer one.
      if (event.data.redecides !== undefined && row?.status !== 'failed')
        return row === null ? null : changed({});
      return changed({
        status: 'enriched',
        hop,
        dueAt: null,
        decidedAt: occurredAt,
        leftOut: [...event.data.leftOut],
      });
    case 'Failed': {
      const { final, reason, message, attempt, retryAt, leftOut } = event.data;
      const failure = { failureReason: reason, failureMessage: message };
      return changed({
        status: final ? 'failed' : 'waiting',
        hop,
        attempts: attempt,
        dueAt: retryAt,
        decidedAt: occurredAt,
        leftOut: [...leftOut],
        ...failure,
      });
    }
    case 'Replayed': {
      const { by, why, newTaskId } = event.data;
      if (row?.status !== 'failed') return row === null ? null : changed({});
      return changed({
        settlement: 'replayed',
        settledAt: occurredAt,
        settledBy: by,
        settledWhy: why,
        replayedAs: newTaskId,
      });
    }
    case 'Dismissed': {
      const { by, why } = event.data;
      if (row?.status !== 'failed') return row === null ? null : changed({});
      return changed({ settlement: 'dismissed', settledAt: occurredAt, settledBy: by, settledWhy: why });
    }
    case 'Erased':
      return null;
    default:
      return event satisfies never;
  }
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
