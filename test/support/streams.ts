import fc from 'fast-check';
import { type Command, decide } from '../../src/domain/decide.ts';
import type { FailureReason, RecordedTrackEvent, TrackEvent } from '../../src/domain/events.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { providers } from '../../src/domain/provider.ts';
import { defaultRetryPolicy } from '../../src/domain/retry-policy.ts';
import { emptyTrack, type TrackState } from '../../src/domain/state.ts';
import type { TaskOrigin } from '../../src/domain/task.ts';
import { anyLeftOut, anyLookup, anyOutcome, anySharedAnswer, anyTime, fewRequests } from './generators.ts';

/** The tasks of the streams below: why each exists goes with its id. */
const origins: Readonly<Record<string, TaskOrigin>> = {
  first: { kind: 'request' },
  second: { kind: 'request' },
  'follow-up': { kind: 'follow-up', ofTaskId: 'first', provider: 'musicbrainz' },
  replay: { kind: 'replay', ofTaskId: 'second', n: 1 },
};

/** The same random id for the same command, as a worker has it. */
let made = 0;
const context = fc
  .record({ at: anyTime, taskId: fc.constantFrom(...Object.keys(origins)), hop: fc.nat(3) })
  .map((parts) => ({
    ...parts,
    eventId: `event-${made++}`,
    correlationId: parts.taskId,
    causationId: null,
    traceparent: null,
  }));

const policy = defaultRetryPolicy;

export const anyReceive = fc
  .tuple(context, fewRequests, fc.boolean())
  .map(([common, request, deliveredAgain]): Extract<Command, { type: 'ReceiveTask' }> => {
    const origin = origins[common.taskId] ?? { kind: 'request' };
    return { ...common, type: 'ReceiveTask', request, origin, deliveredAgain, policy };
  });

export const anyCall = fc
  .tuple(context, fc.constantFrom(...providers), anyLookup, anyOutcome, anyTime)
  .map(([common, provider, lookup, outcome, calledAt]): Extract<Command, { type: 'RecordCall' }> => {
    const call = { provider, lookup, outcome, httpStatus: null, durationMs: 1, calledAt };
    return { ...common, type: 'RecordCall', call };
  });

export const anyCacheHit = fc
  .tuple(context, anySharedAnswer, fc.constantFrom('cache' as const, 'flight' as const))
  .map(
    ([common, shared, via]): Extract<Command, { type: 'RecordCacheHit' }> => ({
      ...common,
      type: 'RecordCacheHit',
      shared,
      via,
    }),
  );

export const anyComplete = fc
  .tuple(
    context,
    fc.subarray([...providers]),
    fc.uniqueArray(anyLeftOut, { selector: ({ provider }) => provider }),
    fc.double({ min: 0, max: 0.999, noNaN: true }),
  )
  .map(
    ([common, needed, leftOut, random]): Extract<Command, { type: 'CompleteHop' }> => ({
      ...common,
      type: 'CompleteHop',
      needed,
      leftOut,
      random,
      policy,
    }),
  );

export const anyGiveUp = fc
  .tuple(context, fc.constantFrom<FailureReason>('too_old', 'expired', 'overflow', 'delivery_limit'))
  .map(
    ([common, reason]): Extract<Command, { type: 'GiveUp' }> => ({
      ...common,
      type: 'GiveUp',
      reason,
      message: 'over',
      leftOut: [],
      rawBody: null,
    }),
  );

export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { arbitrary: anyReceive, weight: 3 },
  { arbitrary: anyCall, weight: 4 },
  { arbitrary: anyCacheHit, weight: 2 },
  { arbitrary: anyComplete, weight: 4 },
  { arbitrary: anyGiveUp, weight: 1 },
);

/** What an operator does to a track. */
type OperatorStep = { readonly type: 'Erase' | 'Dismiss' | 'Replay'; readonly at: string };

export type Step = Command | OperatorStep;

const anyOperatorStep: fc.Arbitrary<OperatorStep> = fc.record({
  type: fc.constantFrom('Erase' as const, 'Dismiss' as const, 'Replay' as const),
  at: anyTime,
});

/**
 * One hop of one task as a worker has it: received, answered, decided. Steps chosen each by itself hardly ever come to
 * a decision.
 */
const anyPass: fc.Arbitrary<readonly Command[]> = fc
  .tuple(
    context,
    fewRequests,
    fc.array(fc.oneof({ arbitrary: anyCall, weight: 3 }, { arbitrary: anyCacheHit, weight: 1 }), {
      minLength: 1,
      maxLength: 4,
      size: 'max',
    }),
    anyComplete,
  )
  .map(([{ taskId, hop, at }, request, answers, complete]) => {
    const origin = origins[taskId] ?? { kind: 'request' };
    const common = { taskId, hop, at, correlationId: taskId, causationId: null, traceparent: null };
    const received: Command = {
      ...common,
      eventId: `event-${made++}`,
      type: 'ReceiveTask',
      request,
      origin,
      deliveredAgain: false,
      policy,
    };
    return [received, ...answers, complete].map((command) => ({ ...command, taskId, hop }));
  });

const anyCommands: fc.Arbitrary<readonly Command[]> = fc
  .array(
    fc.oneof(
      { arbitrary: anyPass, weight: 2 },
      { arbitrary: anyCommand.map((command) => [command]), weight: 3 },
    ),
    { maxLength: 12, size: 'max' },
  )
  .map((parts) => parts.flat());

export const anySteps: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.oneof(
      { arbitrary: anyCommands, weight: 4 },
      { arbitrary: anyOperatorStep.map((step) => [step]), weight: 1 },
    ),
    { maxLength: 4, size: 'max' },
  )
  .map((parts) => parts.flat());

/** A stream as it grew. `states[n]` is the state before `events[n]`; the last one is that of the whole stream. */
export interface Grown {
  readonly events: readonly RecordedTrackEvent[];
  readonly states: readonly TrackState[];
  readonly state: TrackState;
}

export const anyStream: fc.Arbitrary<Grown> = anySteps.map(growTrack);

/** Streams without operators, for laws that erasing suspends. */
export const anyWorkersStream: fc.Arbitrary<Grown> = anyCommands.map(growTrack);

/** In the stream of a track nobody gives up a task that was not received; only unreadable messages are none. */
function growTrack(steps: readonly Step[]): Grown {
  return grow(steps, emptyTrack, (state, step) => step.type !== 'GiveUp' || state.tasks.has(step.taskId));
}

export function grow(
  steps: readonly Step[],
  from: TrackState = emptyTrack,
  happens: (state: TrackState, step: Step) => boolean = () => true,
): Grown {
  const events: RecordedTrackEvent[] = [];
  const states: TrackState[] = [from];
  let state = from;
  for (const step of steps) {
    const event = happens(state, step) ? eventOf(state, step) : null;
    if (event === null) continue;
    const recorded = { event, revision: state.revision + 1 };
    state = evolve(state, recorded);
    events.push(recorded);
    states.push(state);
  }
  return { events, states, state };
}

function eventOf(state: TrackState, step: Step): TrackEvent | null {
  if ('eventId' in step) return decide(state, step);
  const taskIds = [...state.tasks.keys()];
  const [taskId] = taskIds;
  if (taskId === undefined) return null;
  const occurredAt = step.at > state.lastOccurredAt ? step.at : state.lastOccurredAt;
  const id = `event-${made++}`;
  const meta = {
    occurredAt,
    taskId,
    hop: 0,
    correlationId: taskId,
    causationId: null,
    traceparent: null,
    schemaVersion: 1,
  };
  const said = { by: 'operator', why: 'asked to' };
  if (step.type === 'Erase') {
    return { id, type: 'Erased', meta, data: { taskIds, eventCount: state.revision + 1, ...said } };
  }
  if (step.type === 'Dismiss') return { id, type: 'Dismissed', meta, data: said };
  return { id, type: 'Replayed', meta, data: { newTaskId: 'replay', n: 1, ...said } };
}
