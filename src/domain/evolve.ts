import type { RecordedTrackEvent, TrackEvent } from './events.ts';
import { emptyTrack, type RecordedOutcome, type TaskState, type TrackState } from './state.ts';

/** The state after one more event. It only records; it never judges. */
export function evolve(state: TrackState, { event, revision }: RecordedTrackEvent): TrackState {
  return { ...apply(state, event, revision), revision, lastOccurredAt: event.meta.occurredAt };
}

/** The state of a stream, from its events in order. */
export function replay(events: Iterable<RecordedTrackEvent>): TrackState {
  let state = emptyTrack;
  for (const recorded of events) state = evolve(state, recorded);
  return state;
}

function apply(state: TrackState, event: TrackEvent, revision: number): TrackState {
  const { taskId, hop } = event.meta;
  switch (event.type) {
    case 'TaskReceived': {
      const known = state.tasks.get(taskId);
      if (known !== undefined) {
        return withTask(state, {
          ...known,
          hop,
          deliveries: event.data.delivery,
          newestReceivedEventId: event.id,
        });
      }
      const task: TaskState = {
        taskId,
        origin: event.data.origin,
        request: event.data.request,
        correlationId: event.meta.correlationId,
        receivedEventId: event.id,
        newestReceivedEventId: event.id,
        receivedAt: event.meta.occurredAt,
        hop,
        deliveries: event.data.delivery,
        attempts: 0,
        outcomes: [],
        decision: null,
        end: null,
        replays: 0,
      };
      const asks = event.data.origin.kind === 'request';
      return {
        ...withTask(state, task),
        newestRequestTaskId: asks ? taskId : state.newestRequestTaskId,
      };
    }
    case 'ApiCalled': {
      if (event.data.superseded) return state;
      const { provider, lookup, outcome, calledAt } = event.data;
      return withOutcome(state, { taskId, provider, lookup, outcome, calledAt, eventId: event.id, revision });
    }
    case 'CacheHit': {
      const { provider, lookup, answer, calledAt } = event.data;
      return withOutcome(state, {
        taskId,
        provider,
        lookup,
        outcome: answer,
        calledAt,
        eventId: event.id,
        revision,
      });
    }
    case 'Enriched':
      return {
        ...changeTask(state, taskId, {
          end: { kind: 'enriched', eventId: event.id, leftOut: event.data.leftOut },
        }),
        enriched: event.data,
      };
    case 'Failed': {
      const { final, attempt, retryAt, leftOut } = event.data;
      if (final) {
        return changeTask(state, taskId, {
          attempts: attempt,
          end: { kind: 'failed', eventId: event.id, leftOut },
        });
      }
      const dueAt = retryAt ?? event.meta.occurredAt;
      return changeTask(state, taskId, { attempts: attempt, decision: { kind: 'failed', hop, dueAt } });
    }
    case 'Deferred':
      return changeTask(state, taskId, { decision: { kind: 'deferred', hop, dueAt: event.data.until } });
    case 'Replayed':
      return changeTask(state, taskId, { replays: event.data.n });
    case 'Dismissed':
      return state;
    case 'Erased':
      return { ...emptyTrack, erased: { taskIds: event.data.taskIds } };
    default:
      return assertNever(event);
  }
}

function withTask(state: TrackState, task: TaskState): TrackState {
  return { ...state, tasks: new Map(state.tasks).set(task.taskId, task) };
}

/** A stream that was cut may hold facts of a task without its `TaskReceived`: they change nothing. */
function changeTask(state: TrackState, taskId: string, change: Partial<TaskState>): TrackState {
  const task = state.tasks.get(taskId);
  return task === undefined ? state : withTask(state, { ...task, ...change });
}

function withOutcome(state: TrackState, outcome: RecordedOutcome): TrackState {
  const task = state.tasks.get(outcome.taskId);
  if (task === undefined) return state;
  return {
    ...withTask(state, { ...task, outcomes: [...task.outcomes, outcome] }),
    found: outcome.outcome.kind === 'found' ? [...state.found, outcome] : state.found,
  };
}

function assertNever(event: never): never {
  throw new Error(`evolve does not know this event: ${JSON.stringify(event)}`);
}
