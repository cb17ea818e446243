import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { defaultGateLimits, type GateLimits } from '../../src/domain/gate-limits.ts';
import { type GateState, type KnownGate, lookedAt, newGate, recall } from '../../src/domain/gate-state.ts';
import {
  admit,
  circuitState,
  type GateReport,
  mayEnter,
  open,
  report,
  shut,
} from '../../src/domain/provider-gate.ts';
import { createMemoryGates } from '../../src/providers/memory-gates.ts';
import { createRedisGates } from '../../src/providers/redis-gates.ts';
import { describeWithRedis, openRedis } from './open-redis.ts';

/** Runs of the property, in so many properties side by side, since a run mostly waits for Redis. */
const runs = 2400;
const sideBySide = 6;

type Step =
  | { readonly kind: 'admit'; readonly lane: 'real-time' | 'backlog'; readonly patienceMs: number }
  | { readonly kind: 'report'; readonly said: GateReport }
  | { readonly kind: 'enter'; readonly probe: boolean }
  | { readonly kind: 'shut'; readonly forMs: number }
  | { readonly kind: 'open' }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'lost' };

const anyReport: fc.Arbitrary<GateReport> = fc.oneof(
  fc.constantFrom<GateReport>(
    { kind: 'answered' },
    { kind: 'failed' },
    { kind: 'failed' },
    { kind: 'neutral' },
  ),
  fc.nat(100_000).map((retryAfterMs): GateReport => ({ kind: 'throttled', retryAfterMs })),
);
const is = <Kind extends Step['kind']>(kind: Kind) => fc.constant(kind);
const anyTime = fc.oneof(
  { weight: 4, arbitrary: fc.nat(2000) },
  { weight: 2, arbitrary: fc.nat(100_000) },
  { weight: 1, arbitrary: fc.nat(100_000_000) },
  // The clock of a server may be set back, by a little or by days.
  { weight: 2, arbitrary: fc.integer({ min: -5000, max: 0 }) },
  { weight: 1, arbitrary: fc.integer({ min: -200_000_000, max: 0 }) },
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: is('admit'),
      lane: fc.constantFrom('real-time' as const, 'backlog' as const),
      patienceMs: fc.nat(5000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: is('report'), said: anyReport }) },
  { weight: 1, arbitrary: fc.record({ kind: is('enter'), probe: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: is('shut'), forMs: fc.nat(100_000) }) },
  { weight: 3, arbitrary: fc.record({ kind: is('open') }) },
  { weight: 4, arbitrary: fc.record({ kind: is('time'), ms: anyTime }) },
  { weight: 3, arbitrary: fc.record({ kind: is('lost') }) },
);
const anyLimits: fc.Arbitrary<GateLimits> = fc.record({
  ...Object.fromEntries(Object.entries(defaultGateLimits).map(([name, value]) => [name, fc.constant(value)])),
  failuresToClose: fc.constant(3),
  ratePerSecond: fc.constantFrom(1, 5, 7.3, Number.POSITIVE_INFINITY),
  callsPerDay: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 2, 6),
}) as fc.Arbitrary<GateLimits>;

/** Each step with the worker that makes it. */
const anySteps = fc.array(fc.tuple(anyStep, fc.nat(1)), { maxLength: 50 });

describeWithRedis('the gates', () => {
  let redis: Redis;
  beforeAll(async () => {
    redis = await openRedis(10_000);
  });
  afterAll(() => redis.disconnect());

  const perProvider = (limits: GateLimits) => ({ spotify: limits, musicbrainz: limits, lastfm: limits });

  async function agree(limits: GateLimits, steps: readonly (readonly [Step, number])[]): Promise<void> {
    let nowMs = 1_700_000_000_000;
    const now = () => nowMs;
    const namespace = randomUUID();
    const key = `${namespace}:gate:v1:spotify`;
    const worker = () => createRedisGates({ redis, limits: perProvider(limits), namespace, redisNow: now });
    const workers = [worker(), worker()] as const;
    /** What each of them saw last, and when. */
    const seen: [GateState | null, GateState | null] = [null, null];
    let state: GateState | null = null;
    const twinOf = (known: GateState) =>
      createMemoryGates({ limits: perProvider(limits), now, states: { spotify: known } });
    let twin = twinOf(newGate(limits, nowMs));

    for (const [step, who] of steps) {
      if (step.kind === 'time') {
        nowMs += step.ms;
        continue;
      }
      if (step.kind === 'lost') {
        state = null;
        await redis.del(key);
        continue;
      }
      const mine = who === 0 ? 0 : 1;
      const gates = workers[mine];
      const before: GateState = state ?? newGate(limits, nowMs);
      const known = knownOf(seen[mine], nowMs);
      const current: GateState = known === null ? lookedAt(before, nowMs) : recall(before, known, nowMs);
      // The twin cannot lose its memory, nor be told of another life: it begins anew with what there is to know.
      if (state === null || (known !== null && known.bornAtMs !== before.bornAtMs)) twin = twinOf(current);

      if (step.kind === 'admit') {
        const [after, { kind, atMs, ...rest }] = admit(current, limits, { ...step, nowMs });
        state = after;
        const expected = { kind, inMs: atMs - nowMs, ...rest };
        expect(await gates.reserve('spotify', step)).toMatchObject(expected);
        expect(await twin.reserve('spotify', step)).toEqual(expected);
      } else if (step.kind === 'report') {
        state = report(current, limits, step.said, nowMs);
        await gates.report('spotify', step.said);
        await twin.report('spotify', step.said);
      } else if (step.kind === 'enter') {
        state = current;
        const slot = { kind: 'slot', inMs: 0, probe: step.probe } as const;
        const expected = mayEnter(current, step.probe, nowMs);
        expect(await gates.mayEnter('spotify', slot)).toBe(expected);
        expect(await twin.mayEnter('spotify', slot)).toBe(expected);
      } else {
        state = step.kind === 'open' ? open(current, nowMs) : shut(current, step.forMs, 'by me', nowMs);
        if (step.kind === 'open') await gates.open('spotify');
        else await gates.shut('spotify', step.forMs, 'by me');
        // Nobody operates the gates of a process.
        twin = twinOf(state);
      }
      seen[mine] = state;
      for (const each of [gates, twin]) {
        expect(each.circuit('spotify')).toBe(circuitState(state, limits, nowMs));
        expect(each.nextFreeInMs('spotify', 2)).toBe(twin.nextFreeInMs('spotify', 2));
      }
    }
    if (state !== null) {
      const last = lookedAt(state, nowMs);
      const closedForMs = Math.max(0, last.closedUntilMs - nowMs);
      expect(await worker().status('spotify')).toEqual({
        circuit: circuitState(last, limits, nowMs),
        nextFreeInMs: twin.nextFreeInMs('spotify'),
        closedForMs,
        closedBy: closedForMs > 0 ? last.closedBy : '',
        spentToday: last.spent + last.spentBefore,
      });
    }
    await redis.del(key);
  }

  it('in Redis and in memory are the pure model: any admissions, outcomes, operators, lost keys and steps of the clock, by two workers', async () => {
    const seed = Date.now() & 0x7fffffff;
    console.log(`gate model: seed ${seed} and the ${sideBySide - 1} after it`);
    await Promise.all(
      Array.from({ length: sideBySide }, (_, n) =>
        fc.assert(fc.asyncProperty(anyLimits, anySteps, agree), {
          numRuns: runs / sideBySide,
          seed: seed + n,
        }),
      ),
    );
  }, 120_000);
});

function knownOf(seen: GateState | null, nowMs: number): KnownGate | null {
  if (seen === null) return null;
  const { bornAtMs, closedBy, closures, day, spent, spentBefore, asOfMs } = seen;
  return {
    bornAtMs,
    closedForMs: Math.max(0, seen.closedUntilMs - nowMs),
    closedBy,
    closures,
    day,
    spent: spent + spentBefore,
    agoMs: nowMs - asOfMs,
  };
}
