import type { TrackEvent } from '../domain/events.ts';
import { schemaVersions } from '../domain/events.ts';
import { laneOfPriority, lowestPriority } from '../domain/priority.ts';
import type { TaskState, TrackState } from '../domain/state.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { encodeTrackEvent } from '../ledger/track-events.ts';
import { encodeMessage } from '../queue/message.ts';
import type { TaskMessage, TaskQueue } from '../queue/queue.ts';
import { replayTaskId } from '../queue/task-id.ts';
import { publishConsequences } from './publish-consequences.ts';
import { publishSurely } from './publish-surely.ts';
import { loadTrack } from './recorder.ts';

/** What an operator does about a task, each a fact before it is anything else. */

export interface OperatorServices {
  readonly ledger: Ledger;
  readonly queue: TaskQueue;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly newId: () => string;
}

export interface Said {
  readonly by: string;
  readonly why: string;
}

/** The task as the ledger names it. */
export interface TaskAddress {
  readonly stream: string;
  readonly taskId: string;
}

/** What replaying came to: a new task, the same one again because it is unfinished, or a reason why not. */
export type Replay =
  | { readonly kind: 'replayed' | 'again'; readonly newTaskId: string }
  | { readonly kind: 'not-replayed'; readonly reason: string };

const conflictsMax = 5;

/**
 * Has a dead letter tried again, as a task of its own. Repeated before that one is finished, it publishes the same
 * task again, which is harmless; afterwards it makes another.
 */
export async function replayDeadLetter(
  { stream, taskId }: TaskAddress,
  said: Said,
  services: OperatorServices,
): Promise<Replay> {
  const { ledger, queue, sleep } = services;
  for (let conflicts = 0; conflicts < conflictsMax; conflicts++) {
    const state = await loadTrack(ledger, stream);
    const task = state.tasks.get(taskId);
    if (task === undefined) {
      const reason = 'It holds no task: what could not be read has to be corrected and published again.';
      return { kind: 'not-replayed', reason };
    }
    if (task.end?.kind !== 'failed')
      return { kind: 'not-replayed', reason: 'The task has not failed for good.' };
    const last = replayTaskId(stream, taskId, task.replays);
    const isUnfinished = task.replays > 0 && state.tasks.get(last)?.end == null;
    const n = isUnfinished ? task.replays : task.replays + 1;
    const newTaskId = replayTaskId(stream, taskId, n);
    if (!isUnfinished) {
      const event = operatorEvent(
        state,
        task.taskId,
        { type: 'Replayed', data: { newTaskId, n, ...said } },
        services,
      );
      if (!(await appended(stream, state, event, ledger))) continue;
    }
    await publishSurely(replayMessage(newTaskId, task, n), 0, { queue, sleep });
    return { kind: isUnfinished ? 'again' : 'replayed', newTaskId };
  }
  return { kind: 'not-replayed', reason: 'Its stream is being written to: try again.' };
}

/** Settles a dead letter without another try. Null, or why it was not settled. */
export async function dismissDeadLetter(
  { stream, taskId }: TaskAddress,
  said: Said,
  services: OperatorServices,
): Promise<string | null> {
  for (let conflicts = 0; conflicts < conflictsMax; conflicts++) {
    const state = await loadTrack(services.ledger, stream);
    if (state.revision < 0) return 'There is no such task.';
    const task = state.tasks.get(taskId);
    // What could not be read stands in its stream without a task.
    if (task !== undefined && task.end?.kind !== 'failed') return 'The task has not failed for good.';
    const event = operatorEvent(state, taskId, { type: 'Dismissed', data: said }, services);
    if (await appended(stream, state, event, services.ledger)) return null;
  }
  return 'Its stream is being written to: try again.';
}

/**
 * Publishes again, under their ids, what should have come of a task and did not: the task itself, its next hop, its
 * follow-ups, its replay. Resolves with how many messages that made.
 */
export async function publishAgain(
  { stream, taskId }: TaskAddress,
  services: OperatorServices,
  dryRun: boolean,
): Promise<number> {
  const state = await loadTrack(services.ledger, stream);
  const task = state.tasks.get(taskId);
  if (task === undefined) return 0;
  const lane = laneOf(task);
  let published = 0;
  const counting: TaskQueue = {
    ...services.queue,
    async publish(message, options) {
      published += 1;
      return dryRun ? 'confirmed' : services.queue.publish(message, options);
    },
  };
  if (task.end?.kind === 'failed') {
    const replayed = replayTaskId(stream, taskId, task.replays);
    if (task.replays > 0 && state.tasks.get(replayed)?.end == null) {
      await publishSurely(replayMessage(replayed, task, task.replays), 0, {
        queue: counting,
        sleep: services.sleep,
      });
    }
  } else if (task.end === null && (task.decision === null || task.decision.hop < task.hop)) {
    await publishSurely(messageOf(task, task.hop), 0, { queue: counting, sleep: services.sleep });
  } else {
    const onFollowUp = () => undefined;
    const came = { lane, priority: priorityOf(task) };
    await publishConsequences(stream, state, task, came, { ...services, queue: counting, onFollowUp });
  }
  return published;
}

function operatorEvent(
  state: TrackState,
  taskId: string,
  fact: Pick<Extract<TrackEvent, { type: 'Replayed' | 'Dismissed' }>, 'type' | 'data'>,
  { now, newId }: OperatorServices,
): TrackEvent {
  const at = new Date(now()).toISOString();
  const task = state.tasks.get(taskId);
  const meta = {
    occurredAt: at > state.lastOccurredAt ? at : state.lastOccurredAt,
    taskId,
    hop: task?.hop ?? 0,
    correlationId: task?.correlationId ?? taskId,
    causationId: task?.end?.eventId ?? null,
    traceparent: null,
    schemaVersion: schemaVersions[fact.type],
  };
  return { id: newId(), ...fact, meta } as TrackEvent;
}

async function appended(
  stream: string,
  state: TrackState,
  event: TrackEvent,
  ledger: Ledger,
): Promise<boolean> {
  const { kind } = await ledger.append(stream, state.revision, [encodeTrackEvent(event)]);
  return kind === 'appended';
}

function replayMessage(id: string, task: TaskState, n: number): TaskMessage {
  const origin = { kind: 'replay', ofTaskId: task.taskId, n } as const;
  return {
    ...messageOf(task, 0),
    id,
    body: encodeMessage(task.request, origin, task.correlationId),
    causationId: task.end?.eventId ?? null,
  };
}

function messageOf(task: TaskState, hop: number): TaskMessage {
  return {
    id: task.taskId,
    lane: laneOf(task),
    priority: priorityOf(task),
    hop,
    body: encodeMessage(task.request, task.origin, task.correlationId),
    causationId: task.receivedEventId,
  };
}

function laneOf(task: TaskState): TaskMessage['lane'] {
  return laneOfPriority(priorityOf(task));
}

function priorityOf({ origin, request }: TaskState): number {
  return origin.kind === 'follow-up' ? lowestPriority : request.priority;
}
