import fc from 'fast-check';
import { expect, it } from 'vitest';
import { defaultGateLimits } from '../../src/domain/gate-limits.ts';
import { createMemoryGates } from '../../src/providers/memory-gates.ts';
import { rateLimitRemaining } from '../../src/providers/rate-limit-remaining.ts';

/** Whole intervals, so that sums of them are exact. */
const rates = [0.5, 1, 2, 4, 5, 8, 10];

it('is the number of calls that the gate lets begin within a second', async () => {
  const earlier = fc.array(fc.record({ afterMs: fc.nat(600), closed: fc.boolean() }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...rates), earlier, async (ratePerSecond, calls) => {
      let nowMs = 0;
      const limit = { ...defaultGateLimits, ratePerSecond };
      const limits = { spotify: limit, musicbrainz: limit, lastfm: limit };
      const gates = createMemoryGates({ limits, now: () => nowMs });
      for (const { afterMs, closed } of calls) {
        nowMs += afterMs;
        await gates.reserve('lastfm', { lane: 'real-time', patienceMs: 2000 });
        if (closed) await gates.report('lastfm', { kind: 'throttled', retryAfterMs: 300 });
      }
      const remaining = rateLimitRemaining(gates, 'lastfm', ratePerSecond);
      // Once a closure has ended: until then the gate reserves nothing, and its slots begin where it ends.
      nowMs += gates.nextFreeInMs('lastfm');
      const leftMs = 1000 - (nowMs - calls.reduce((sum, { afterMs }) => sum + afterMs, 0));
      let taken = 0;
      while (leftMs > 0) {
        const asked = await gates.reserve('lastfm', { lane: 'real-time', patienceMs: 1000 });
        if (asked.kind === 'later' || asked.inMs >= leftMs) break;
        taken += 1;
      }
      expect(remaining).toBe(taken);
    }),
  );
});

it('is infinite where the rate is lifted, and 0 while the gate is closed', async () => {
  const limit = { ...defaultGateLimits, ratePerSecond: Number.POSITIVE_INFINITY };
  const gates = createMemoryGates({ limits: { spotify: limit, musicbrainz: limit, lastfm: limit } });
  const remaining = () => rateLimitRemaining(gates, 'spotify', limit.ratePerSecond);
  expect(remaining()).toBe(Number.POSITIVE_INFINITY);
  await gates.report('spotify', { kind: 'throttled', retryAfterMs: 5000 });
  expect(remaining()).toBe(0);
});
