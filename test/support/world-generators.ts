import fc from 'fast-check';
import type { Answer, Lookup } from '../../src/domain/answer.ts';
import type { Provider } from '../../src/domain/provider.ts';
import { defaultRetryPolicy, type RetryPolicy } from '../../src/domain/retry-policy.ts';
import { anyAnswer } from './generators.ts';
import type { TrackWorld } from './track-world.ts';
import type { Obstacle, Providers, WorkerHabits } from './worker-model.ts';

const hourMs = 3_600_000;

/** Old age comes within hours, so that waiting for ever is not long. */
export const shortLivedPolicy: RetryPolicy = { ...defaultRetryPolicy, ageMsMax: 4 * hourMs };

/** The shortest wait that an obstacle below causes. */
export const waitMsMin = hourMs / 2;

const anyWaitMs = fc.constantFrom(waitMsMin, hourMs, 30 * hourMs);
const message = 'no';

export const noObstacle: Obstacle = { kind: 'none' };

const anyObstacle: fc.Arbitrary<Obstacle> = fc.oneof(
  { arbitrary: fc.constant(noObstacle), weight: 5 },
  { arbitrary: anyWaitMs.map((forMs): Obstacle => ({ kind: 'closed', forMs })), weight: 2 },
  {
    arbitrary: anyWaitMs.map(
      (retryAfterMs): Obstacle => ({ kind: 'throttled', scope: 'rate', retryAfterMs, message }),
    ),
    weight: 1,
  },
  {
    arbitrary: fc.constant<Obstacle>({ kind: 'unavailable', reason: 'timeout', retryAfterMs: null, message }),
    weight: 3,
  },
  {
    arbitrary: fc.constantFrom<Obstacle>({ kind: 'misused', message }, { kind: 'unauthorised', message }),
    weight: 1,
  },
);

/**
 * A function of its arguments alone. fast-check's own `func` beside another arbitrary loses that one's value
 * while it shrinks (seen with 4.10).
 */
function anyFunction<Args extends readonly unknown[], Out>(
  anyOut: fc.Arbitrary<Out>,
): fc.Arbitrary<(...args: Args) => Out> {
  const anyOuts = fc.array(anyOut, { minLength: 1, maxLength: 10 });
  return fc.tuple(fc.nat(), anyOuts).map(([salt, outs]) => {
    const pick = (...args: Args): Out =>
      outs[(fc.hash(`${salt}${fc.stringify(args)}`) >>> 0) % outs.length] as Out;
    return Object.assign(pick, { [fc.toStringMethod]: () => `pick by ${salt} of ${fc.stringify(outs)}` });
  });
}

/** Some obstacles now and then; or one that never goes away. */
export const anyProviders: fc.Arbitrary<Providers> = fc
  .record({
    knows: anyFunction<[Provider, Lookup['kind']], Answer>(anyAnswer),
    obstacles: anyFunction<[string, number, Provider, Lookup['kind']], Obstacle>(anyObstacle),
    lasting: fc.dictionary(fc.constantFrom('spotify', 'musicbrainz', 'lastfm'), anyObstacle, { maxKeys: 3 }),
  })
  .map(({ knows, obstacles, lasting }) => ({
    knows,
    obstacle(taskId, hop, provider, kind) {
      const obstacle = lasting[provider] ?? obstacles(taskId, hop, provider, kind);
      // While no provider takes our credentials, workers take no tasks: that no law of tasks can say.
      return provider === 'spotify' && obstacle.kind === 'unauthorised' ? noObstacle : obstacle;
    },
  }));

export const anyHabits: fc.Arbitrary<WorkerHabits> = fc.record({
  assumeNew: fc.boolean(),
  appendApart: fc.boolean(),
  answersLost: fc.boolean(),
  policy: fc.constant(shortLivedPolicy),
});

/** What befalls the two workers. */
export type Fate = { readonly worker: 0 | 1; readonly act: 'step' | 'kill' | 'timeOut' };

/** Long stretches of steps with few disasters among them. */
export function anyFates(disastersMax: number): fc.Arbitrary<readonly Fate[]> {
  const worker = fc.constantFrom<0 | 1>(0, 1);
  const steps = fc.array(fc.record({ worker, act: fc.constant<'step'>('step') }), { maxLength: 30 });
  const disaster = fc.record({ worker, act: fc.constantFrom('kill' as const, 'timeOut' as const) });
  return fc
    .tuple(fc.array(fc.tuple(steps, disaster), { maxLength: disastersMax }), steps)
    .map(([stretches, last]) => [...stretches.flatMap(([before, end]) => [...before, end]), ...last]);
}

export function befall(world: TrackWorld, fates: readonly Fate[]): void {
  for (const { worker, act } of fates) world[act](worker);
}
