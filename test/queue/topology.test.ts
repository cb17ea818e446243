import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jitterShare, waitTiersMs } from '../../src/domain/retry-policy.ts';
import { tierOf, topologyOf, waitExchange } from '../../src/queue/topology.ts';

it('a wait goes in at most a handful of tiers, never past its time, and holds up shorter ones little', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 24 * 3600 * 1000 }), (delayMs) => {
      let leftMs = delayMs;
      for (let waits = 0; leftMs > 0; waits++) {
        expect(waits).toBeLessThan(30);
        const { tierMs, expirationMs } = tierOf(leftMs);
        expect(waitTiersMs).toContain(tierMs);
        expect(expirationMs).toBeLessThanOrEqual(Math.min(tierMs, Math.ceil(leftMs)));
        // Behind a message that fills its tier one waits for at most a third of it; in the shortest, for a second.
        if (tierMs !== waitTiersMs[0])
          expect(expirationMs).toBeGreaterThanOrEqual(tierMs * (1 - jitterShare));
        leftMs -= expirationMs;
      }
    }),
  );
});

it('every tier has an exchange and a queue of one name, at least once and never full', () => {
  const { exchanges, queues, bindings } = topologyOf('classic');
  for (const name of waitTiersMs.map(waitExchange)) {
    expect(exchanges).toContainEqual({ name, type: 'fanout' });
    expect(bindings).toContainEqual({ exchange: name, queue: name, key: '' });
    expect(queues.find((queue) => queue.name === name)?.arguments).toMatchObject({
      'x-queue-type': 'quorum',
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    });
  }
  expect(new Set(queues.map(({ name }) => name)).size).toBe(queues.length);
});
