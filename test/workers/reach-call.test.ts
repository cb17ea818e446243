import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { defaultGateLimits } from '../../src/domain/gate-limits.ts';
import { createMemoryGates } from '../../src/providers/memory-gates.ts';
import { createCallPace } from '../../src/workers/call-pace.ts';
import { reachCall } from '../../src/workers/reach-call.ts';
import { missing, scripted } from './clients.ts';
import { perProvider } from './world.ts';

const ratePerSecond = 25;
const intervalMs = 1000 / ratePerSecond;

/** Tasks that all want to call the same provider, whose preparation the test does. */
function world(prepare: () => Promise<void>) {
  const client = { ...scripted('spotify', missing), prepare };
  const limits = perProvider(() => ({ ...defaultGateLimits, ratePerSecond }));
  const gates = createMemoryGates({ limits });
  const pace = createCallPace({ ratePerSecond: perProvider(() => ratePerSecond) });
  const starts: number[] = [];
  let asked = 0;
  const reach = async (patienceMs: number) => {
    const pass = await reachCall({
      client,
      gates,
      pace,
      lane: 'real-time',
      patienceMs,
      now: Date.now,
      sleep: (ms) => sleep(ms),
      onAsked: () => {
        asked += 1;
      },
    });
    if (pass.kind === 'admitted') starts.push(performance.now());
    return pass;
  };
  return { reach, starts, gates, asked: () => asked };
}

function expectApart(starts: readonly number[]): void {
  for (const [index, start] of starts.entries()) {
    const before = starts[index - 1];
    // What is allowed of the interval, and what the clocks differ in.
    if (before !== undefined) expect(start - before).toBeGreaterThan(intervalMs * 0.9 - 2);
  }
}

/** A token as a client keeps it: whoever needs it while it is fetched waits for the same. */
function token(fetchMs: number) {
  let kept = false;
  let fetching: Promise<void> | null = null;
  let fetched = 0;
  return {
    fetched: () => fetched,
    revoke: () => {
      kept = false;
    },
    async prepare() {
      if (kept) return;
      fetching ??= sleep(fetchMs).then(() => {
        fetched += 1;
        kept = true;
        fetching = null;
      });
      await fetching;
    },
  };
}

describe('reaching a call', () => {
  it('asks the gate only once it is prepared, so that no slot is spent on waiting for a token', async () => {
    const { prepare } = token(100);
    const { reach, starts } = world(prepare);
    const startMs = performance.now();
    await Promise.all(Array.from({ length: 5 }, () => reach(1000)));
    expect((starts[0] ?? 0) - startMs).toBeGreaterThanOrEqual(99);
    expectApart(starts);
  });

  it('keeps calls apart although what they need is lost while they wait for their slots', async () => {
    const tokens = token(90);
    const { reach, starts, asked } = world(tokens.prepare);
    const revoking = setInterval(tokens.revoke, 200);
    const passes = await Promise.all(Array.from({ length: 20 }, () => reach(5000)));
    clearInterval(revoking);
    expect(passes.map(({ kind }) => kind)).toEqual(passes.map(() => 'admitted'));
    expect(tokens.fetched()).toBeGreaterThan(2);
    expect(asked()).toBe(20);
    expectApart(starts);
  });

  it('keeps calls apart although the process comes late to their slots', async () => {
    const { reach, starts } = world(async () => undefined);
    const busy = setInterval(() => {
      const endMs = performance.now() + 100;
      while (performance.now() < endMs);
    }, 170);
    await Promise.all(Array.from({ length: 15 }, () => reach(5000)));
    clearInterval(busy);
    expectApart(starts);
  });

  it('waits no longer at the gate than the patience that is left, however often its slot is missed', async () => {
    let n = 0;
    const { reach } = world(async () => {
      // Ready at first, and then never in time.
      if (n++ > 0) await sleep(80);
    });
    const startMs = performance.now();
    await reach(100);
    expect(performance.now() - startMs).toBeLessThan(600);
  });

  it('is refused by a gate that closes, and says until when', async () => {
    const { reach, gates, starts } = world(async () => undefined);
    await gates.report('spotify', { kind: 'throttled', retryAfterMs: 60_000 });
    const pass = await reach(50);
    expect(pass).toMatchObject({ kind: 'refused', why: 'closed' });
    expect(starts).toEqual([]);
  });
});
