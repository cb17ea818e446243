import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  admit,
  circuitState,
  defaultGateLimits,
  type GateLimits,
  type GateReport,
  type GateState,
  mayEnter,
  newGate,
  report,
} from '../../src/domain/provider-gate.ts';
import { createRedisGates } from '../../src/providers/redis-gates.ts';
import { describeWithRedis, openRedis } from './open-redis.ts';

const limitsOf = (ratePerSecond: number): GateLimits => ({
  ...defaultGateLimits,
  ratePerSecond,
  failuresToClose: 3,
});

type Step =
  | { readonly kind: 'admit'; readonly lane: 'real-time' | 'backlog'; readonly patienceMs: number }
  | { readonly kind: 'report'; readonly said: GateReport }
  | { readonly kind: 'enter'; readonly probe: boolean }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'lost' };

const anyReport: fc.Arbitrary<GateReport> = fc.oneof(
  fc.constantFrom<GateReport>({ kind: 'answered' }, { kind: 'failed' }, { kind: 'neutral' }),
  fc.nat(100_000).map((retryAfterMs): GateReport => ({ kind: 'throttled', retryAfterMs })),
);

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('admit' as const),
      lane: fc.constantFrom('real-time' as const, 'backlog' as const),
      patienceMs: fc.nat(5000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('report' as const), said: anyReport }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('enter' as const), probe: fc.boolean() }) },
  // The clock of a server may be set back.
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      ms: fc.oneof(fc.nat(2000), fc.nat(100_000), fc.integer({ min: -5000, max: 0 })),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'lost' as const }) },
);

describeWithRedis('the gates in Redis', () => {
  let redis: Redis;
  beforeAll(async () => {
    redis = await openRedis();
  });
  afterAll(() => redis.disconnect());

  const open = (limits: GateLimits, nowOf: () => number, namespace: string = randomUUID()) =>
    createRedisGates({
      redis,
      limits: { spotify: limits, musicbrainz: limits, lastfm: limits },
      namespace,
      redisNow: nowOf,
    });

  it('are the pure model: any admissions, outcomes, lost keys and steps of the clock', async () => {
    const rates = fc.constantFrom(1, 5, 7.3, Number.POSITIVE_INFINITY);
    await fc.assert(
      fc.asyncProperty(rates, fc.array(anyStep, { maxLength: 40 }), async (rate, steps) => {
        const limits = limitsOf(rate);
        let nowMs = 1_000_000;
        const namespace = randomUUID();
        const gates = open(limits, () => nowMs, namespace);
        let state: GateState | null = null;
        /** What the worker knows of closures, with which it fills in a lost gate. */
        let known = { closedUntilMs: 0, closures: 0 };
        const current = (): GateState => {
          if (state !== null) return state;
          const fresh = newGate(limits, nowMs);
          return known.closedUntilMs > nowMs ? { ...fresh, ...known } : fresh;
        };
        for (const step of steps) {
          if (step.kind === 'time') {
            nowMs += step.ms;
            continue;
          }
          if (step.kind === 'lost') {
            state = null;
            await redis.del(`${namespace}:gate:v1:spotify`);
            continue;
          }
          state = current();
          if (step.kind === 'admit') {
            const [after, admission] = admit(state, limits, { ...step, nowMs });
            state = after;
            const inMs = admission.atMs - nowMs;
            const expected =
              admission.kind === 'slot'
                ? { kind: 'slot', inMs, probe: admission.probe }
                : { kind: 'later', inMs, why: admission.why };
            expect(await gates.reserve('spotify', step)).toMatchObject(expected);
          } else if (step.kind === 'report') {
            state = report(state, limits, step.said, nowMs);
            await gates.report('spotify', step.said);
          } else {
            expect(await gates.mayEnter('spotify', { kind: 'slot', inMs: 0, probe: step.probe })).toBe(
              mayEnter(state, step.probe, nowMs),
            );
          }
          known = { closedUntilMs: state.closedUntilMs, closures: state.closures };
          expect(gates.circuit('spotify')).toBe(circuitState(state, nowMs));
        }
        await redis.del(`${namespace}:gate:v1:spotify`);
      }),
      { numRuns: 400 },
    );
  }, 60_000);

  it('are one for all: ten workers together take one slot an interval, also across a flushed Redis', async () => {
    let nowMs = 5000;
    const namespace = randomUUID();
    const workers = Array.from({ length: 10 }, () => open(limitsOf(1), () => nowMs, namespace));
    const slots: number[] = [];
    for (let round = 0; round < 60; round++) {
      const worker = workers[round % workers.length];
      const reservation = await worker?.reserve('musicbrainz', { lane: 'real-time', patienceMs: 400 });
      if (reservation?.kind === 'slot') slots.push(nowMs + reservation.inMs);
      nowMs += 170;
      if (round === 30) await redis.del(`${namespace}:gate:v1:musicbrainz`);
    }
    const gaps = slots.slice(1).map((at, n) => at - (slots[n] ?? 0));
    expect(slots.length).toBeGreaterThan(5);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(600);
    expect(gaps.filter((gap) => gap < 1000).length).toBeLessThanOrEqual(1);
  });

  it('a slot of a gate that was lost is void: the new one knows nothing of it', async () => {
    let nowMs = 5000;
    const namespace = randomUUID();
    const gates = open(limitsOf(1), () => nowMs, namespace);
    const reserve = () => gates.reserve('musicbrainz', { lane: 'real-time', patienceMs: 5000 });
    await reserve();
    const kept = await reserve();
    if (kept.kind !== 'slot') return expect.fail('There was no slot.');
    expect(await gates.mayEnter('musicbrainz', kept)).toBe(true);
    nowMs += 300;
    await redis.del(`${namespace}:gate:v1:musicbrainz`);
    expect(await gates.mayEnter('musicbrainz', kept)).toBe(false);
    expect(await reserve()).toMatchObject({ kind: 'slot', inMs: 1000 });
  });

  it('an operator looks at them, closes and opens them', async () => {
    let nowMs = 1000;
    const gates = open(limitsOf(5), () => nowMs);
    await gates.shut('spotify', 60_000);
    expect(await gates.status('spotify')).toEqual({
      circuit: 'open',
      nextFreeInMs: 60_000,
      closedForMs: 60_000,
    });
    nowMs += 1000;
    expect(await gates.reserve('spotify', { lane: 'real-time', patienceMs: 100 })).toEqual({
      kind: 'later',
      inMs: 59_000,
      why: 'closed',
    });
    await gates.open('spotify');
    expect(await gates.status('spotify')).toMatchObject({ circuit: 'closed', closedForMs: 0 });
    expect((await gates.reserve('spotify', { lane: 'real-time', patienceMs: 100 })).kind).toBe('slot');
  });

  it('a Redis that is away lets nobody call, and says when to ask again', async () => {
    const lost = await openRedis();
    const limits = limitsOf(5);
    const gates = createRedisGates({
      redis: lost,
      limits: { spotify: limits, musicbrainz: limits, lastfm: limits },
    });
    lost.disconnect();
    expect(await gates.reserve('spotify', { lane: 'real-time', patienceMs: 100 })).toEqual({
      kind: 'later',
      inMs: 2000,
      why: 'closed',
    });
    expect(await gates.mayEnter('spotify', { kind: 'slot', inMs: 0, probe: false })).toBe(false);
    expect(gates.circuit('spotify')).toBe('open');
    expect(gates.nextFreeInMs('spotify')).toBeGreaterThan(1000);
    await gates.report('spotify', { kind: 'failed' });
    await expect(gates.status('spotify')).rejects.toThrow();
  });
});
