import { type Answer, isAnswer, type Lookup, type Outcome } from '../../src/domain/answer.ts';
import { consequencesOf } from '../../src/domain/consequence.ts';
import { type Command, decideAll } from '../../src/domain/decide.ts';
import type { LeftOut } from '../../src/domain/events.ts';
import { lookupKey, nextLookup } from '../../src/domain/lookup.ts';
import { type Provider, providers } from '../../src/domain/provider.ts';
import type { RetryPolicy } from '../../src/domain/retry-policy.ts';
import { emptyTrack, standingOf, type TrackState } from '../../src/domain/state.ts';
import type { TaskOrigin, TaskRequest } from '../../src/domain/task.ts';
import type { TrackWorld } from './track-world.ts';

export interface ModelMessage {
  readonly taskId: string;
  readonly hop: number;
  readonly request: TaskRequest;
  readonly origin: TaskOrigin;
  readonly dueMs: number;
  readonly redelivered: boolean;
  /** Its place among all messages; kept when it is delivered again. */
  readonly number: number;
}

/** What stands in the way of a call at a provider, if anything does. */
export type Obstacle =
  | { readonly kind: 'none' }
  /** The gate has no slot within the patience. */
  | { readonly kind: 'closed'; readonly forMs: number }
  | Exclude<Outcome, Answer>;

/** The providers, as deterministic as a test needs them: the same question in the same hop comes to the same. */
export interface Providers {
  readonly knows: (provider: Provider, kind: Lookup['kind']) => Answer;
  readonly obstacle: (taskId: string, hop: number, provider: Provider, kind: Lookup['kind']) => Obstacle;
}

export interface WorkerHabits {
  /** True: the stream of a first delivery is not read. */
  readonly assumeNew: boolean;
  /** True: every fact is an append of its own; false: all of a delivery go together. */
  readonly appendApart: boolean;
  /** True: the answer to every append is lost, so each is sent twice. */
  readonly answersLost: boolean;
  readonly policy: RetryPolicy;
}

/** Where a worker can be cut off. `appending`: the append was not sent; `appended`: it stands. */
export const workerSteps = ['parsed', 'called', 'appending', 'appended', 'published', 'unacked'] as const;

export type WorkerStep = (typeof workerSteps)[number];

const conflictsMax = 5;

/** One delivery as life-of-a-task has it, on the pure domain: look, ask, record, decide, publish, acknowledge. */
export function* deliver(
  world: TrackWorld,
  message: ModelMessage,
  habits: WorkerHabits,
): Generator<WorkerStep, void> {
  yield 'parsed';
  const { taskId, hop, origin } = message;
  const first =
    hop === 0 && !message.redelivered && origin.kind === 'request' && !message.request.forceRefresh;
  let state = habits.assumeNew && first ? emptyTrack : world.read();
  let commands: Command[] = [];
  const context = () => ({ ...world.context(), taskId, hop, correlationId: taskId });

  function* append(): Generator<WorkerStep, void> {
    const batch = commands;
    commands = [];
    for (let conflicts = 0; conflicts <= conflictsMax; conflicts++) {
      const decided = decideAll(state, batch);
      if (decided.events.length > 0) {
        yield 'appending';
        const stands = world.append(state.revision, decided.events);
        if (habits.answersLost && world.append(state.revision, decided.events) !== stands) {
          throw new Error('The repetition of an append came to something else.');
        }
        if (!stands) {
          state = world.read();
          continue;
        }
        yield 'appended';
      }
      state = decided.state;
      return;
    }
    throw new Error('More conflicts in a row than there are other workers.');
  }

  function* record(command: Command): Generator<WorkerStep, void> {
    commands.push(command);
    if (habits.appendApart) yield* append();
  }

  function* ask(
    provider: Provider,
    request: TaskRequest,
  ): Generator<WorkerStep, LeftOut | 'answered' | 'refused'> {
    const outcomes: { lookup: Lookup; outcome: Outcome }[] =
      state.tasks.get(taskId)?.outcomes.filter((one) => one.provider === provider) ?? [];
    for (;;) {
      const lookup = nextLookup(provider, request, outcomes);
      if (lookup === null) return 'answered';
      const shared = request.forceRefresh ? undefined : world.cache.get(lookupKey(provider, lookup));
      if (shared !== undefined) {
        outcomes.push({ lookup, outcome: shared.answer });
        yield* record({ ...context(), type: 'RecordCacheHit', shared, via: 'cache' });
        continue;
      }
      const { providers: asked, nowMs } = world;
      const obstacle = asked.obstacle(taskId, hop, provider, lookup.kind);
      if (obstacle.kind === 'closed') return waiting(provider, nowMs + obstacle.forMs);
      const calledAt = context().at;
      const outcome = obstacle.kind === 'none' ? asked.knows(provider, lookup.kind) : obstacle;
      yield 'called';
      const call = { provider, lookup, outcome, httpStatus: null, durationMs: 1, calledAt };
      yield* record({ ...context(), type: 'RecordCall', call });
      if (isAnswer(outcome) || outcome.kind === 'misused') outcomes.push({ lookup, outcome });
      else if (outcome.kind === 'unauthorised') return 'refused';
      else if (outcome.kind === 'throttled') return waiting(provider, nowMs + outcome.retryAfterMs);
      else return { provider, cause: 'fault', until: isoOf(nowMs) };
    }
  }

  function* work(): Generator<WorkerStep, void> {
    const { policy } = habits;
    const { request, redelivered: deliveredAgain } = message;
    commands.push({ ...context(), type: 'ReceiveTask', request, origin, deliveredAgain, policy });
    if (habits.appendApart || deliveredAgain) yield* append();
    const task = state.tasks.get(taskId);
    if (task !== undefined && standingOf(state, message) !== 'open') return;
    if (task !== undefined && world.nowMs - Date.parse(task.receivedAt) > policy.ageMsMax) {
      const late = { reason: 'too_old', message: 'Too old.', leftOut: [], rawBody: null } as const;
      commands.push({ ...context(), type: 'GiveUp', ...late });
      return yield* append();
    }
    const needed = origin.kind === 'follow-up' ? [origin.provider] : providers;
    const accepted: Provider[] = [];
    const leftOut: LeftOut[] = [];
    for (const provider of needed) {
      const asked = yield* ask(provider, request);
      if (asked !== 'refused') accepted.push(provider);
      if (typeof asked === 'object') leftOut.push(asked);
    }
    commands.push({ ...context(), type: 'CompleteHop', needed: accepted, leftOut, policy, random: 0.5 });
    yield* append();
  }

  const standing = standingOf(state, message);
  if (standing === 'unknown' || standing === 'open') yield* work();
  yield* publish(world, state, message);
  yield 'unacked';
}

function* publish(world: TrackWorld, state: TrackState, message: ModelMessage): Generator<WorkerStep, void> {
  const task = state.tasks.get(message.taskId);
  for (const consequence of task === undefined ? [] : consequencesOf(task)) {
    const dueMs = Date.parse(consequence.dueAt);
    if (consequence.kind === 'next-hop') world.publish({ ...message, hop: consequence.hop, dueMs });
    else {
      const { provider } = consequence;
      const origin = { kind: 'follow-up', ofTaskId: message.taskId, provider } as const;
      world.publish({ ...message, taskId: `${message.taskId}+${provider}`, origin, hop: 0, dueMs });
    }
    yield 'published';
  }
}

function waiting(provider: Provider, untilMs: number): LeftOut {
  return { provider, cause: 'waiting', until: isoOf(untilMs) };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
