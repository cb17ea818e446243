import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type DistributedWorld, openDistributedWorld, stopWorker } from '../support/distributed.ts';
import { type PrivateRedis, redisProgram, startPrivateRedis } from '../support/services/redis.ts';
import { describeWithRabbitmq } from '../support/services/vhost.ts';

const isMissing = inject('rabbitmqMissing') !== null || redisProgram() === null;

describeWithRabbitmq('workers that share a Redis', () => {
  let redis: PrivateRedis;
  let world: DistributedWorld;
  let shared: Record<string, string>;
  beforeAll(async () => {
    if (isMissing) return;
    redis = await startPrivateRedis();
    world = await openDistributedWorld({
      tracks: 60,
    });
    const { hostname, port } = new URL(redis.url);
    shared = { REDIS_HOST: hostname, REDIS_PORT: port };
  });
  afterAll(async () => {
    await world?.close();
    await redis?.stop();
  });

  it.skipIf(isMissing)(
    'what one was told is cached for all: a track that was asked for is not asked for again',
    async () => {
      const [first, second] = [await world.worker([], shared), await world.worker([], shared)];
      const before = world.simulator.report().spotify.calls;
      await world.publish(50);
      await expect
        .poll(async () => (await world.eventsOf(50)).some(({ type }) => type === 'Enriched'), {
          timeout: 15_000,
        })
        .toBe(true);
      expect(world.simulator.report().spotify.calls).toBe(before + 1);
      for (let n = 0; n < 6; n++) await world.publish(50);
      await expect
        .poll(async () => (await world.eventsOf(50)).filter(({ type }) => type === 'Enriched').length, {
          timeout: 15_000,
        })
        .toBeGreaterThanOrEqual(7);
      expect(world.simulator.report().spotify.calls).toBe(before + 1);
      await Promise.all([first, second].map(stopWorker));
    },
    60_000,
  );

  it.skipIf(isMissing)(
    'an operator closes a gate, sees it, and opens it again',
    async () => {
      const closed = await world.cli(['gate', 'close', 'spotify', '--minutes', '5', '--by', 'alice'], shared)
        .ended;
      expect(closed.stdout, closed.stderr).toMatch(
        /Spotify +closed +for (4 min \d+ s|5 min), until \d{4}-[^\n]* UTC +by alice/,
      );
      const opened = await world.cli(['gate', 'open', 'spotify'], shared).ended;
      expect(opened.stdout).toMatch(/Spotify +calls pass/);
      const away = await world.cli(['gate', 'status'], { ...shared, REDIS_PORT: '1' }).ended;
      expect(away.code).toBe(1);
      expect(away.stderr).toContain('check REDIS_HOST, REDIS_PORT and REDIS_PASSWORD');
      expect((await world.cli(['gate', 'close', 'tidal'], shared).ended).code).toBe(2);
    },
    60_000,
  );
});
