import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRedis } from '../../src/cache/redis-client.ts';
import { defaultGateLimits, type GateLimits } from '../../src/domain/gate-limits.ts';
import { createRedisGates } from '../../src/providers/redis-gates.ts';
import { openDoor } from '../support/door.ts';
import { describeWithRedis, openRedis, ready, redisAddress } from './open-redis.ts';

const limitsOf = (ratePerSecond: number): GateLimits => ({
  ...defaultGateLimits,
  ratePerSecond,
  failuresToClose: 3,
});

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
    await gates.shut('spotify', 60_000, 'by me');
    expect(await gates.status('spotify')).toEqual({
      circuit: 'open',
      nextFreeInMs: 60_000,
      closedForMs: 60_000,
      closedBy: 'by me',
      spentToday: 0,
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

  it('a Retry-After that Redis did not hear closes the gate for all with the next question', async () => {
    const door = await openDoor(await redisAddress());
    const flaky = createRedis({ host: '127.0.0.1', port: door.port, password: null }, 1000);
    await ready(flaky);
    const limits = limitsOf(5);
    const namespace = randomUUID();
    const shared = { limits: { spotify: limits, musicbrainz: limits, lastfm: limits }, namespace };
    const told = createRedisGates({ redis: flaky, ...shared });
    const other = createRedisGates({ redis, ...shared });
    const ask = { lane: 'real-time', patienceMs: 5000 } as const;
    expect((await told.reserve('spotify', ask)).kind).toBe('slot');
    door.cut();
    await told.report('spotify', { kind: 'throttled', retryAfterMs: 600_000 });
    door.mend();
    await expect
      .poll(async () => (await told.reserve('spotify', ask)).inMs, { timeout: 10_000 })
      .toBeGreaterThan(500_000);
    expect(await other.reserve('spotify', ask)).toMatchObject({ kind: 'later', why: 'closed' });
    expect(await other.status('spotify')).toMatchObject({ circuit: 'open', closedBy: 'provider' });
    await told.close();
    await door.close();
  }, 20_000);

  it('a slot that is known too late is not used, and who is late each time gets longer ones', async () => {
    const door = await openDoor(await redisAddress());
    const slow = createRedis({ host: '127.0.0.1', port: door.port, password: null }, 1000);
    await ready(slow);
    const limits = limitsOf(5);
    const namespace = randomUUID();
    const shared = { limits: { spotify: limits, musicbrainz: limits, lastfm: limits }, namespace };
    const gates = createRedisGates({ redis: slow, ...shared });
    const other = createRedisGates({ redis, ...shared });
    const ask = { lane: 'real-time', patienceMs: 0 } as const;
    await gates.status('spotify');
    await sleep(250);
    door.slow(150);
    expect(await gates.reserve('spotify', ask)).toMatchObject({ kind: 'later', why: 'rate' });
    await sleep(250);
    expect((await gates.reserve('spotify', ask)).kind).toBe('slot');
    // An interval of 200 ms from when Redis gave it, and as much as that worker may be late.
    const { nextFreeInMs } = await other.status('spotify');
    expect(nextFreeInMs).toBeGreaterThan(100);
    expect(nextFreeInMs).toBeLessThanOrEqual(250);
    await gates.close();
    await door.close();
  });
});
