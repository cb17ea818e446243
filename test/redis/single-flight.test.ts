import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRedisSingleFlight } from '../../src/cache/redis-single-flight.ts';
import { singleFlightContract } from '../cache/single-flight-contract.ts';
import { describeWithRedis, openRedis } from './open-redis.ts';

describeWithRedis('flights in Redis', () => {
  let redis: Redis;
  beforeAll(async () => {
    redis = await openRedis();
  });
  afterAll(() => redis.disconnect());

  singleFlightContract('of one process', () => {
    const space = randomUUID();
    const flights = createRedisSingleFlight<number>(redis);
    return { run: (key, lead) => flights.run(`${space}${key}`, lead) };
  });

  it('of ten workers that come at once one flies, and all get its value', async () => {
    const key = randomUUID();
    let leads = 0;
    const lead = async () => {
      leads += 1;
      await sleep(300);
      return leads;
    };
    const workers = Array.from({ length: 10 }, () => createRedisSingleFlight<number>(redis));
    const flown = await Promise.all(workers.map((worker) => worker.run(key, lead)));
    expect(leads).toBe(1);
    expect(flown.map(({ value }) => value)).toEqual(flown.map(() => 1));
    expect(flown.filter(({ role }) => role === 'led')).toHaveLength(1);
  });

  it('a flight that fails fails for all of it', async () => {
    const key = randomUUID();
    const failing = async () => {
      await sleep(100);
      throw new Error('crashed');
    };
    const workers = Array.from({ length: 4 }, () => createRedisSingleFlight<number>(redis));
    const flown = await Promise.allSettled(workers.map((worker) => worker.run(key, failing)));
    expect(flown.map((one) => one.status === 'rejected' && one.reason.message)).toEqual(
      Array(4).fill('crashed'),
    );
  });

  it('of a leader that died another takes over, once its lock has run out', async () => {
    const key = randomUUID();
    await redis.set(`enrichment:flight:${key}`, 'of the dead', 'PX', 700);
    const startedMs = performance.now();
    expect(await createRedisSingleFlight<number>(redis).run(key, async () => 7)).toEqual({
      role: 'led',
      value: 7,
    });
    expect(performance.now() - startedMs).toBeGreaterThan(600);
    expect(await redis.exists(`enrichment:flight:${key}`)).toBe(0);
  });

  it('without Redis each process flies by itself, at once', async () => {
    const lost = await openRedis();
    const flights = createRedisSingleFlight<number>(lost);
    lost.disconnect();
    expect(await flights.run('key', async () => 7)).toEqual({ role: 'led', value: 7 });
  });
});
