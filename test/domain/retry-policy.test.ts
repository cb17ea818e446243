import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  backoffMs,
  defaultRetryPolicy,
  jitterShare,
  waitTierMs,
  waitTiersMs,
} from '../../src/domain/retry-policy.ts';

const attempt = fc.integer({ min: 1, max: 50 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

it('a backoff is never longer than the policy allows, and chance takes off at most its share', () => {
  fc.assert(
    fc.property(attempt, random, (n, chance) => {
      const whole = backoffMs(defaultRetryPolicy, n, 0);
      const taken = backoffMs(defaultRetryPolicy, n, chance);
      expect(taken).toBeLessThanOrEqual(whole);
      expect(taken).toBeGreaterThanOrEqual(Math.floor(whole * (1 - jitterShare)));
    }),
  );
});

it('without chance, waits never get shorter from one attempt to the next', () => {
  fc.assert(
    fc.property(
      attempt,
      (n) => backoffMs(defaultRetryPolicy, n + 1, 0) >= backoffMs(defaultRetryPolicy, n, 0),
    ),
  );
});

it('a delay waits in the longest tier that does not exceed it, at least in the shortest', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40_000_000 }), (delayMs) => {
      const tier = waitTierMs(delayMs);
      const fitting = waitTiersMs.filter((one) => one <= delayMs);
      expect(tier).toBe(fitting.length === 0 ? waitTiersMs[0] : Math.max(...fitting));
    }),
  );
});
