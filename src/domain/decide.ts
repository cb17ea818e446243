import type { SharedAnswer } from './answer.ts';
import { completeHop, type HopFindings } from './completion.ts';
import {
  type ApiCalled,
  type EventMeta,
  type FailureReason,
  type LeftOut,
  schemaVersions,
  type TrackEvent,
} from './events.ts';
import { evolve } from './evolve.ts';
import { settles } from './lookup.ts';
import type { RetryPolicy } from './retry-policy.ts';
import { standingOf, type TaskState, type TrackState } from './state.ts';
import type { TaskOrigin, TaskRequest } from './task.ts';

/** What every command carries. `eventId` is made once, with the command, and kept while it is decided again. */
interface CommandContext {
  readonly eventId: string;
  /** The clock, ISO 8601. */
  readonly at: string;
  readonly taskId: string;
  readonly hop: number;
  readonly correlationId: string;
  readonly causationId: string | null;
  readonly traceparent: string | null;
}

/** A message of the task reached a worker. */
export interface ReceiveTask extends CommandContext {
  readonly type: 'ReceiveTask';
  readonly request: TaskRequest;
  readonly origin: TaskOrigin;
  /** True: this hop was delivered before, so its earlier worker may have died of it. */
  readonly deliveredAgain: boolean;
  readonly policy: RetryPolicy;
}

/** A provider was called for the task. */
export interface RecordCall extends CommandContext {
  readonly type: 'RecordCall';
  readonly call: Omit<ApiCalled['data'], 'superseded'>;
}

/** An answer came from the cache or from another task's call. */
export interface RecordCacheHit extends CommandContext {
  readonly type: 'RecordCacheHit';
  readonly shared: SharedAnswer;
  readonly via: 'cache' | 'flight';
}

/** Every needed provider was asked: what follows? */
export interface CompleteHop extends CommandContext, HopFindings {
  readonly type: 'CompleteHop';
}

/** The task cannot go on, for a reason that no provider gave. */
export interface GiveUp extends CommandContext {
  readonly type: 'GiveUp';
  readonly reason: FailureReason;
  readonly message: string;
  readonly leftOut: readonly LeftOut[];
  readonly rawBody: string | null;
}

export type Command = ReceiveTask | RecordCall | RecordCacheHit | CompleteHop | GiveUp;

/**
 * What a command adds to the stream: one event or none. It is pure, so that after a conflict the same commands
 * are decided again from what the stream then says.
 */
export function decide(state: TrackState, command: Command): TrackEvent | null {
  switch (command.type) {
    case 'ReceiveTask':
      return receive(state, command);
    case 'RecordCall':
      return recordCall(state, command);
    case 'RecordCacheHit': {
      const task = state.tasks.get(command.taskId);
      if (task === undefined || task.end !== null || hasAnswer(task, command.shared)) return null;
      return fact(state, command, 'CacheHit', { ...command.shared, via: command.via });
    }
    case 'CompleteHop': {
      const task = state.tasks.get(command.taskId);
      if (task === undefined || standingOf(state, { ...command, origin: task.origin }) !== 'open')
        return null;
      const decision = completeHop(state, task, command);
      return decision === null ? null : fact(state, command, decision.type, decision.data);
    }
    case 'GiveUp': {
      const task = state.tasks.get(command.taskId);
      if (!mayGiveUp(state, task, command)) return null;
      const { reason, message, leftOut, rawBody } = command;
      const attempt = task?.attempts ?? 0;
      return fact(state, command, 'Failed', {
        reason,
        final: true,
        attempt,
        retryAt: null,
        leftOut,
        message,
        rawBody,
      });
    }
    default:
      return assertNever(command);
  }
}

/**
 * Several commands, each decided on the state that those before it leave. `results` has one entry a command,
 * `events` those that are not null.
 */
export function decideAll(
  state: TrackState,
  commands: readonly Command[],
): {
  readonly results: readonly (TrackEvent | null)[];
  readonly events: readonly TrackEvent[];
  readonly state: TrackState;
} {
  const results: (TrackEvent | null)[] = [];
  let next = state;
  for (const command of commands) {
    const event = decide(next, command);
    results.push(event);
    if (event !== null) next = evolve(next, { event, revision: next.revision + 1 });
  }
  return { results, events: results.filter((event) => event !== null), state: next };
}

function receive(state: TrackState, command: ReceiveTask): TrackEvent | null {
  const { request, origin, deliveredAgain, policy, hop } = command;
  const standing = standingOf(state, command);
  if (standing === 'unknown') {
    return fact(state, command, 'TaskReceived', { request, origin, delivery: deliveredAgain ? 2 : 1 });
  }
  const task = state.tasks.get(command.taskId);
  if (standing !== 'open' || task === undefined || !deliveredAgain) return null;
  if (task.newestReceivedEventId === command.eventId) return null;
  const delivery = (task.hop === hop ? task.deliveries : 1) + 1;
  if (delivery >= policy.deliveriesMax) {
    return fact(state, command, 'Failed', {
      reason: 'crashes',
      final: true,
      attempt: task.attempts,
      retryAt: null,
      leftOut: [],
      message: `Delivery ${delivery} of one hop: the task stopped its worker every time before.`,
      rawBody: null,
    });
  }
  return fact(state, command, 'TaskReceived', { request: task.request, origin: task.origin, delivery });
}

/** A task whose hop is open; or what never became a task, such as an unreadable body, in a stream of its own. */
function mayGiveUp(state: TrackState, task: TaskState | undefined, command: GiveUp): boolean {
  if (task === undefined) return state.revision < 0;
  return standingOf(state, { ...command, origin: task.origin }) === 'open';
}

/** A call is a fact whoever was first; one whose answer another worker had recorded already counts nowhere. */
function recordCall(state: TrackState, command: RecordCall): TrackEvent | null {
  const task = state.tasks.get(command.taskId);
  if (task === undefined) return null;
  const superseded = task.end !== null || hasAnswer(task, command.call);
  return fact(state, command, 'ApiCalled', { ...command.call, superseded });
}

function hasAnswer(task: TaskState, asked: Pick<SharedAnswer, 'provider' | 'lookup'>): boolean {
  return task.outcomes.some(
    ({ provider, lookup, outcome }) =>
      provider === asked.provider && lookup.kind === asked.lookup.kind && settles(outcome),
  );
}

function fact<Type extends TrackEvent['type']>(
  state: TrackState,
  command: CommandContext,
  type: Type,
  data: Extract<TrackEvent, { type: Type }>['data'],
): TrackEvent {
  const { eventId, at, taskId, hop, correlationId, causationId, traceparent } = command;
  const meta: EventMeta = {
    occurredAt: at > state.lastOccurredAt ? at : state.lastOccurredAt,
    taskId,
    hop,
    correlationId,
    causationId,
    traceparent,
    schemaVersion: schemaVersions[type],
  };
  return { id: eventId, type, data, meta } as TrackEvent;
}

function assertNever(command: never): never {
  throw new Error(`decide does not know this command: ${JSON.stringify(command)}`);
}
