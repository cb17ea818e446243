import { trackIdOfStream } from '../domain/stream-names.ts';
import type { FactAt } from './read-model.ts';
import type { TaskRow } from './schema.ts';
import { integerOf, jsonOf, keyOf, textOf, textOrNull, timeOf, timeOrNull } from './storable.ts';

/** A row while it is made. */
export type TaskDraft = { -readonly [Column in keyof TaskRow]: TaskRow[Column] };

type Change = Partial<TaskDraft>;

/**
 * The row of a task after one more event that names it; null: there is none. An event whose revision the row already
 * has changes nothing, so repeated delivery is harmless. `Erased` is not for this: it takes every row of its stream.
 *
 * @throws RangeError where the event brings what the table cannot hold
 */
export function applyToTask(row: TaskRow | null, stream: string, fact: FactAt): TaskRow | null {
  return nextRow(row, stream, fact, (known) => ({ ...known }));
}

/** The same, but the row that is given is itself changed, unless the event cannot be taken. */
export function changeTask(row: TaskDraft | null, stream: string, fact: FactAt): TaskDraft | null {
  return nextRow(row, stream, fact, (known) => known);
}

function nextRow<Row extends TaskRow>(
  row: Row | null,
  stream: string,
  { event, revision }: FactAt,
  own: (row: Row) => TaskDraft,
): Row | TaskDraft | null {
  if (row !== null && revision <= row.revision) return row;
  const updatedAt = timeOf('occurredAt', event.meta.occurredAt);
  const hop = integerOf('hop', event.meta.hop);
  const change = changeBy(row, event, hop, updatedAt);
  if (change === null) return null;
  const next = row === null ? newRow(stream, event.meta.taskId) : own(row);
  // Nothing can go wrong from here on.
  next.revision = revision;
  next.updatedAt = updatedAt;
  return Object.assign(next, change);
}

const nothing: Change = {};

/** What an event changes of a row; null: there is none, before and after. */
function changeBy(
  row: TaskRow | null,
  event: FactAt['event'],
  hop: number,
  occurredAt: string,
): Change | null {
  switch (event.type) {
    case 'TaskReceived': {
      const { request, origin } = event.data;
      // Of what is received again only the hop is new.
      if (row !== null && row.receivedAt !== null)
        return isOpen(row) ? { hop, status: 'open', dueAt: null } : { hop };
      return {
        artist: textOf('artist', request.artist),
        title: textOf('title', request.title),
        source: textOrNull('source', request.source),
        priority: integerOf('priority', request.priority),
        origin: textOf('origin', origin.kind),
        ofTaskId: origin.kind === 'request' ? null : textOf('ofTaskId', origin.ofTaskId),
        provider: origin.kind === 'follow-up' ? textOf('provider', origin.provider) : null,
        hop,
        receivedAt: occurredAt,
      };
    }
    case 'CacheHit':
    case 'ApiCalled':
      // Facts without a task, such as those of an erased one, are no task.
      return row === null ? null : nothing;
    case 'Deferred': {
      const { until, leftOut } = event.data;
      return {
        status: 'waiting',
        hop,
        dueAt: timeOf('until', until),
        decidedAt: occurredAt,
        leftOut: jsonOf('leftOut', [...leftOut]),
      };
    }
    case 'Enriched':
      // What was decided again has the values of the track alone; only a failure for want of them is no longer one.
      if (event.data.redecides !== undefined && row?.status !== 'failed')
        return row === null ? null : nothing;
      return {
        status: 'enriched',
        hop,
        dueAt: null,
        decidedAt: occurredAt,
        leftOut: jsonOf('leftOut', [...event.data.leftOut]),
      };
    case 'Failed': {
      const { final, reason, message, attempt, retryAt, leftOut } = event.data;
      const failure = {
        failureReason: textOf('reason', reason),
        failureMessage: textOf('message', message),
      };
      return {
        status: final ? 'failed' : 'waiting',
        hop,
        attempts: integerOf('attempt', attempt),
        dueAt: timeOrNull('retryAt', retryAt),
        decidedAt: occurredAt,
        leftOut: jsonOf('leftOut', [...leftOut]),
        ...failure,
      };
    }
    case 'Replayed': {
      const { by, why, newTaskId } = event.data;
      if (row?.status !== 'failed') return row === null ? null : nothing;
      return {
        settlement: 'replayed',
        settledAt: occurredAt,
        settledBy: textOf('by', by),
        settledWhy: textOf('why', why),
        replayedAs: textOf('newTaskId', newTaskId),
      };
    }
    case 'Dismissed': {
      const { by, why } = event.data;
      if (row?.status !== 'failed') return row === null ? null : nothing;
      return {
        settlement: 'dismissed',
        settledAt: occurredAt,
        settledBy: textOf('by', by),
        settledWhy: textOf('why', why),
      };
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

function newRow(stream: string, taskId: string): TaskDraft {
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
