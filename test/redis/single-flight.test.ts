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
  const read = (value: unknown) => (typeof value === 'number' ? value : null);
  /** As in a process of its own. */
  const open = (through = redis) => createRedisSingleFlight<number>({ redis: through, read });

  singleFlightContract('of one process', () => {
    const space = randomUUID();
    const flights = open();
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
    const workers = Array.from({ length: 10 }, () => open());
    const flown = await Promise.all(workers.map((worker) => worker.run(key, lead)));
    expect(leads).toBe(1);
    expect(flown.map(({ value }) => value)).toEqual(flown.map(() => 1));
    expect(flown.filter(({ role }) => role === 'led')).toHaveLength(1);
  });

  it('a flight that fails is that of its process alone: of the others the next one flies', async () => {
    const key = randomUUID();
    let leads = 0;
    const lead = async () => {
      leads += 1;
      const mine = leads;
      await sleep(100);
      if (mine === 1) throw new Error('its ledger is away');
      return mine;
    };
    const workers = Array.from({ length: 4 }, () => open());
    const flown = await Promise.allSettled(workers.map((worker) => worker.run(key, lead)));
    const values = flown.flatMap((one) => (one.status === 'fulfilled' ? [one.value.value] : []));
    expect(values).toEqual([2, 2, 2]);
    expect(leads).toBe(2);
  });

  it('a lock is kept as long as its leader lives, and nobody is let go before the value is there', async () => {
    const key = randomUUID();
    const [leading, following] = [open(), open()];
    let land: () => void = () => undefined;
    const landing = new Promise<void>((resolve) => {
      land = resolve;
    });
    const led = leading.run(key, async () => {
      await landing;
      return 7;
    });
    let isLetGo = false;
    await sleep(50);
    const followed = following
      .run(key, async () => 8)
      .finally(() => {
        isLetGo = true;
      });
    // As if its time had nearly run out, which the leader does not let happen.
    await redis.pexpire(`enrichment:flight:${key}`, 4600);
    await sleep(5000);
    expect(isLetGo).toBe(false);
    land();
    expect(await led).toEqual({ role: 'led', value: 7 });
    expect(await followed).toEqual({ role: 'followed', value: 7 });
  });

  it('what is no value is nothing that a flight left: the next one flies', async () => {
    for (const left of ['', 'null', '{', '{"value":7}', '"7"', `[${'1,'.repeat(40_000)}1]`]) {
      const key = randomUUID();
      await redis.set(`enrichment:flight:${key}`, 'leader', 'PX', 100);
      await redis.set('enrichment:flown:leader', left, 'PX', 5000);
      expect(await open().run(key, async () => 7), left.slice(0, 20)).toEqual({ role: 'led', value: 7 });
    }
  });

  it('of a leader that died another takes over, once its lock has run out', async () => {
    const key = randomUUID();
    await redis.set(`enrichment:flight:${key}`, 'of the dead', 'PX', 700);
    const startedMs = performance.now();
    expect(await open().run(key, async () => 7)).toEqual({
      role: 'led',
      value: 7,
    });
    expect(performance.now() - startedMs).toBeGreaterThan(600);
    expect(await redis.exists(`enrichment:flight:${key}`)).toBe(0);
  });

  it('without Redis each process flies by itself, at once', async () => {
    const lost = await openRedis();
    const flights = open(lost);
    lost.disconnect();
    expect(await flights.run('key', async () => 7)).toEqual({ role: 'led', value: 7 });
  });
});
