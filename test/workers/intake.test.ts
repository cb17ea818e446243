import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { defaultGateLimits } from '../../src/domain/gate-limits.ts';
import type { Provider } from '../../src/domain/provider.ts';
import { createMemoryGates } from '../../src/providers/memory-gates.ts';
import { createIntake, type Entry, Stopping } from '../../src/workers/intake.ts';
import { perProvider } from './world.ts';

const all: readonly Provider[] = ['spotify', 'musicbrainz', 'lastfm'];

function intakeAt(rates: Partial<Record<Provider, number>>, patienceMs: number) {
  const stopping = new AbortController();
  const ratePerSecond = perProvider((provider) => rates[provider] ?? Number.POSITIVE_INFINITY);
  const gates = createMemoryGates({
    limits: perProvider((provider) => ({
      ...defaultGateLimits,
      ratePerSecond: ratePerSecond[provider],
    })),
  });
  const intake = createIntake({ gates, ratePerSecond, patienceMs, signal: stopping.signal });
  return { intake, gates, stopping };
}

/** What has entered of so many that want to, after a while. */
function entering(intake: ReturnType<typeof intakeAt>['intake'], count: number, needed = all) {
  const entered: Entry[] = [];
  const ends = Array.from({ length: count }, () =>
    intake.enter(needed).then(
      (entry) => {
        entered.push(entry);
        return 'entered' as const;
      },
      (error: unknown) => error,
    ),
  );
  return { entered, ends };
}

describe('the intake', () => {
  it('lets everybody in where there is no rate', async () => {
    const { intake } = intakeAt({}, 0);
    const { entered, ends } = entering(intake, 100);
    await Promise.all(ends);
    expect(entered).toHaveLength(100);
  });

  it('lets in as many as the fastest provider can take within the patience, and no more at once', async () => {
    const { intake } = intakeAt({ spotify: 10, musicbrainz: 1, lastfm: 10 }, 500);
    const { entered } = entering(intake, 50);
    await sleep(0);
    // Slots at 100, 200, 300, 400 and 500 ms are within the patience.
    expect(entered.length).toBeGreaterThanOrEqual(4);
    expect(entered.length).toBeLessThanOrEqual(6);
  });

  it('lets the next in as time goes by, at about the rate', async () => {
    const { intake, gates, stopping } = intakeAt({ spotify: 50, musicbrainz: 50, lastfm: 50 }, 40);
    let left = 0;
    const tasks = Array.from({ length: 100 }, async () => {
      const entry = await intake.enter(all);
      const reservation = await gates.reserve('spotify', { lane: 'real-time', patienceMs: 1000 });
      entry.asked();
      await sleep(reservation.inMs);
      left += 1;
      entry.leave('served');
    });
    await sleep(400);
    stopping.abort();
    await Promise.allSettled(tasks);
    expect(left).toBeGreaterThan(10);
    expect(left).toBeLessThan(30);
  });

  it('lets one in at a time where no provider is open, because it may be served from the cache', async () => {
    const { intake, gates } = intakeAt({}, 0);
    for (const provider of all) await gates.report(provider, { kind: 'throttled', retryAfterMs: 60_000 });
    const { entered } = entering(intake, 5);
    await sleep(20);
    expect(entered).toHaveLength(1);
    for (let n = 1; n < 5; n++) {
      entered[n - 1]?.leave('served');
      await sleep(10);
      expect(entered).toHaveLength(n + 1);
    }
  });

  it('pauses longer after every task that was deferred in a row, and not after one that was served', async () => {
    const { intake, gates } = intakeAt({}, 0);
    for (const provider of all) await gates.report(provider, { kind: 'throttled', retryAfterMs: 60_000 });
    const { entered } = entering(intake, 5);
    await sleep(5);
    const waits: number[] = [];
    for (const result of ['deferred', 'deferred', 'served'] as const) {
      const startMs = performance.now();
      const before = entered.length;
      entered.at(-1)?.leave(result);
      while (entered.length === before) await sleep(2);
      waits.push(performance.now() - startMs);
    }
    expect(waits[0]).toBeGreaterThan(240);
    expect(waits[1]).toBeGreaterThan(490);
    expect(waits[2]).toBeLessThan(200);
  });

  it('counts a provider that is closed out: the rate of the open ones is what counts', async () => {
    const { intake, gates } = intakeAt({ musicbrainz: 1 }, 0);
    await gates.report('spotify', { kind: 'throttled', retryAfterMs: 60_000 });
    await gates.report('lastfm', { kind: 'throttled', retryAfterMs: 60_000 });
    const { entered } = entering(intake, 5);
    await sleep(20);
    expect(entered).toHaveLength(1);
  });

  it('hands back whoever has not begun when the worker stops, and lets nobody in after that', async () => {
    const { intake, gates, stopping } = intakeAt({}, 0);
    for (const provider of all) await gates.report(provider, { kind: 'throttled', retryAfterMs: 60_000 });
    const { entered, ends } = entering(intake, 3);
    await sleep(5);
    stopping.abort();
    const [first, ...others] = await Promise.all(ends);
    expect(first).toBe('entered');
    for (const other of others) expect(other).toBeInstanceOf(Stopping);
    await expect(intake.enter(all)).rejects.toThrow(Stopping);
    entered[0]?.leave('deferred');
  });

  it('does not mind being told twice that a task asked, or that it left without asking', async () => {
    const { intake } = intakeAt({ spotify: 1, musicbrainz: 1, lastfm: 1 }, 0);
    const { entered } = entering(intake, 3);
    await sleep(0);
    expect(entered).toHaveLength(1);
    entered[0]?.asked();
    entered[0]?.asked();
    entered[0]?.leave('served');
    await sleep(0);
    expect(entered).toHaveLength(2);
    entered[1]?.leave('served');
    await sleep(0);
    expect(entered).toHaveLength(3);
  });
});
