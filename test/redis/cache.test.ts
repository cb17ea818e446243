import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AnswerCache } from '../../src/cache/answer-cache.ts';
import { createRedisCache } from '../../src/cache/redis.ts';
import { createRedis } from '../../src/cache/redis-client.ts';
import type { SharedAnswer } from '../../src/domain/answer.ts';
import { cacheContract } from '../cache/contract.ts';
import { type Door, openDoor } from '../support/door.ts';
import { type PrivateRedis, redisProgram, startPrivateRedis } from '../support/services/redis.ts';
import { addressOf, describeWithRedis, openRedis, ready } from './open-redis.ts';

const ttlMs = { spotify: 60_000, musicbrainz: 60_000, lastfm: 60_000 };
const missing = (calledAtMs: number): SharedAnswer => ({
  provider: 'spotify',
  lookup: { kind: 'isrc', isrc: 'GBAYE0601498' },
  answer: { kind: 'missing', reason: 'no-result', bodyHash: '' },
  calledAt: new Date(calledAtMs).toISOString(),
  eventId: 'e',
});

describeWithRedis('Redis', () => {
  cacheContract('the cache in Redis', {
    async open(settings) {
      const cache = createRedisCache({ redis: await openRedis(), ...settings });
      // A cache of its own among those of other tests.
      const own = randomUUID();
      const named: AnswerCache = {
        get: (key) => cache.get(`${own}${key}`),
        set: (key, answer) => cache.set(`${own}${key}`, answer),
        forget: (key) => cache.forget(`${own}${key}`),
        close: () => cache.close(),
      };
      return named;
    },
  });

  it('an answer that is too large is not kept', async () => {
    const cache = createRedisCache({ redis: await openRedis(), ttlMs });
    const large: SharedAnswer = { ...missing(Date.now()), eventId: 'x'.repeat(40_000) };
    await cache.set('large', large);
    expect(await cache.get('large')).toBeNull();
    await cache.close();
  });
});

describeWithRedis('a Redis that is away, slow or back', () => {
  let server: PrivateRedis;
  let door: Door;
  beforeAll(async () => {
    if (redisProgram() === null) return;
    server = await startPrivateRedis();
    door = await openDoor({ host: '127.0.0.1', port: addressOf(server.url).port });
  });
  afterAll(async () => {
    await door?.close();
    await server?.stop();
  });

  it.skipIf(redisProgram() === null)(
    'costs speed, never a task: it knows nothing, within its time',
    async () => {
      const redis = createRedis({ host: '127.0.0.1', port: door.port, password: null }, 200);
      await ready(redis);
      const cache = createRedisCache({ redis, ttlMs });
      await cache.set('key', missing(Date.now()));
      expect(await cache.get('key')).not.toBeNull();
      const within = async (work: () => Promise<unknown>) => {
        const startedMs = performance.now();
        const value = await work();
        expect(performance.now() - startedMs).toBeLessThan(1000);
        return value;
      };
      door.slow(2000);
      expect(await within(() => cache.get('key'))).toBeNull();
      await within(() => cache.set('key', missing(Date.now())));
      door.freeze();
      expect(await within(() => cache.get('key'))).toBeNull();
      await within(() => cache.set('key', missing(Date.now())));
      door.cut();
      expect(await within(() => cache.get('key'))).toBeNull();
      await within(() => cache.set('key', missing(Date.now())));
      door.mend();
      await expect.poll(() => cache.get('key'), { timeout: 10_000 }).not.toBeNull();
      await server.kill();
      expect(await within(() => cache.get('key'))).toBeNull();
      await server.start();
      await expect
        .poll(
          async () => {
            await cache.set('key', missing(Date.now()));
            return cache.get('key');
          },
          { timeout: 10_000 },
        )
        .not.toBeNull();
      await cache.close();
    },
    40_000,
  );
});
