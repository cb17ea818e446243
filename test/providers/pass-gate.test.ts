import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultGateLimits } from '../../src/domain/gate-limits.ts';
import type { Lane } from '../../src/domain/priority.ts';
import { createMemoryGates } from '../../src/providers/memory-gates.ts';
import { passGate } from '../../src/providers/pass-gate.ts';

/** What a wait may be longer than asked for: rounding up, and the margin for timers that fire early. */
const marginMs = 3;

/** Gates and sleeps on one clock; a sleep wakes up to a millisecond early, as timers do. */
function fakeWorld(ratePerSecond: number) {
  const clock = { nowMs: 0.25 };
  const limits = { ...defaultGateLimits, ratePerSecond };
  const sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  const now = () => clock.nowMs;
  const gates = createMemoryGates({
    limits: { spotify: limits, musicbrainz: limits, lastfm: limits },
    now,
  });
  let sleeps = 0;
  const sleep = (ms: number) => {
    sleeps += 1;
    return new Promise<void>((wake) => sleepers.push({ atMs: clock.nowMs + ms - 1, wake }));
  };
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    gates,
    clock,
    now,
    sleeps: () => sleeps,
    pass: (lane: Lane, patienceMs: number) =>
      passGate({ gates, provider: 'spotify', lane, patienceMs, now, sleep }),
    /** Wakes all sleepers in their order until none is left. */
    async run() {
      for (await settle(); sleepers.length > 0; await settle()) {
        sleepers.sort((a, b) => a.atMs - b.atMs);
        const next = sleepers.shift();
        clock.nowMs = Math.max(clock.nowMs, next?.atMs ?? 0);
        next?.wake();
      }
    },
  };
}

describe('passing a gate', () => {
  it('asks the gate before it first yields', () => {
    const { gates, pass } = fakeWorld(1);
    void pass('real-time', 2000);
    expect(gates.nextFreeInMs('spotify')).toBe(2000);
  });

  it('needs no timer where the slot is now', async () => {
    const world = fakeWorld(1);
    world.clock.nowMs += 5000;
    expect(await world.pass('real-time', 0)).toEqual({ kind: 'admitted' });
    expect(world.sleeps()).toBe(0);
  });

  it('keeps callers an interval apart although timers fire early, and none waits beyond its patience', async () => {
    const caller = fc.record({
      lane: fc.constantFrom<Lane>('real-time', 'backlog'),
      patienceMs: fc.nat(10_000),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(caller, { minLength: 1, maxLength: 20 }),
        fc.constantFrom(1, 5, 7),
        async (callers, rate) => {
          const world = fakeWorld(rate);
          const startMs = world.now();
          const entered: number[] = [];
          const ended = callers.map(async ({ lane, patienceMs }) => {
            const pass = await world.pass(lane, patienceMs);
            expect(world.now() - startMs).toBeLessThanOrEqual(patienceMs + marginMs);
            if (pass.kind === 'admitted') entered.push(world.now());
            else expect(pass.untilMs).toBeGreaterThan(world.now());
          });
          await world.run();
          await Promise.all(ended);
          // The first slot is one interval after the start; rounding up may shorten what lies between two.
          entered.forEach((atMs, n) => {
            expect(atMs - startMs).toBeGreaterThanOrEqual((n + 1) * (1000 / rate));
          });
        },
      ),
      { numRuns: 100 },
    );
  });

  it('refuses with the time to come back when the gate closes while it waits for longer than the patience', async () => {
    const world = fakeWorld(1);
    const passing = world.pass('real-time', 2000);
    await world.gates.report('spotify', { kind: 'throttled', retryAfterMs: 60_000 });
    await world.run();
    expect(await passing).toEqual({ kind: 'refused', why: 'closed', untilMs: 60_000.25 });
  });

  it('asks again when the gate closes for less than what is left of the patience', async () => {
    const world = fakeWorld(1);
    const passing = world.pass('real-time', 5000);
    await world.gates.report('spotify', { kind: 'throttled', retryAfterMs: 3000 });
    await world.run();
    expect(await passing).toEqual({ kind: 'admitted' });
    expect(world.now()).toBeGreaterThanOrEqual(3000.25);
  });

  it('refuses at once, and reserves nothing, where the next slot is beyond the patience', async () => {
    const world = fakeWorld(1);
    expect(await world.pass('real-time', 500)).toEqual({ kind: 'refused', why: 'rate', untilMs: 1000.25 });
    expect(world.sleeps()).toBe(0);
    expect(world.gates.nextFreeInMs('spotify')).toBe(1000);
  });
});
