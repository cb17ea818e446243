import { trackIdOfStream } from '../domain/stream-names.ts';
import type { FactAt } from './read-model.ts';
import type { TaskRow } from './schema.ts';
import { integerOf, jsonOf, keyOf, textOf, textOrNull, timeOf, timeOrNull } from './storable.ts';

/**
 * The row of a task after one more event that names it; null: there is none. An event whose revision the row already
 * has changes nothing, so repeated delivery is harmless. `Erased` is not for this: it takes every row of its stream.
 *
 * @throws RangeError where the event brings what the table cannot hold
 */
export function applyToTask(
  row: TaskRow | null,
  stream: string,
  { event, revision }: FactAt,
): TaskRow | null {
  if (row !== null && revision <= row.revision) return row;
  const { taskId } = event.meta;
  const occurredAt = timeOf('occurredAt', event.meta.occurredAt);
  const hop = integerOf('hop', event.meta.hop);
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
        artist: textOf('artist', request.artist),
        title: textOf('title', request.title),
        source: textOrNull('source', request.source),
        priority: integerOf('priority', request.priority),
        origin: textOf('origin', origin.kind),
        ofTaskId: origin.kind === 'request' ? null : textOf('ofTaskId', origin.ofTaskId),
        provider: origin.kind === 'follow-up' ? textOf('provider', origin.provider) : null,
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
      return changed({
        status: 'waiting',
        hop,
        dueAt: timeOf('until', until),
        decidedAt: occurredAt,
        leftOut: jsonOf('leftOut', [...leftOut]),
      });
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
        leftOut: jsonOf('leftOut', [...event.data.leftOut]),
      });
    case 'Failed': {
      const { final, reason, message, attempt, retryAt, leftOut } = event.data;
      const failure = {
        failureReason: textOf('reason', reason),
        failureMessage: textOf('message', message),
      };
      return changed({
        status: final ? 'failed' : 'waiting',
        hop,
        attempts: integerOf('attempt', attempt),
        dueAt: timeOrNull('retryAt', retryAt),
        decidedAt: occurredAt,
        leftOut: jsonOf('leftOut', [...leftOut]),
        ...failure,
      });
    }
    case 'Replayed': {
      const { by, why, newTaskId } = event.data;
      if (row?.status !== 'failed') return row === null ? null : changed({});
      return changed({
        settlement: 'replayed',
        settledAt: occurredAt,
        settledBy: textOf('by', by),
        settledWhy: textOf('why', why),
        replayedAs: textOf('newTaskId', newTaskId),
      });
    }
    case 'Dismissed': {
      const { by, why } = event.data;
      if (row?.status !== 'failed') return row === null ? null : changed({});
      return changed({
        settlement: 'dismissed',
        settledAt: occurredAt,
        settledBy: textOf('by', by),
        settledWhy: textOf('why', why),
      });
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
    stream: keyOf('stream', stream),
    taskId: keyOf('taskId', taskId),
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
