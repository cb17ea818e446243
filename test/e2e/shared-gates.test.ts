import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type DistributedWorld, openDistributedWorld, stopWorker, tracksOf } from '../support/distributed.ts';
import { type PrivateRedis, redisProgram, startPrivateRedis } from '../support/services/redis.ts';
import { describeWithRabbitmq } from '../support/services/vhost.ts';

const unlimited = Number.POSITIVE_INFINITY;
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
      simulator: { ratesPerSecond: { spotify: unlimited, musicbrainz: 1, lastfm: unlimited } },
    });
    const { hostname, port } = new URL(redis.url);
    shared = { REDIS_HOST: hostname, REDIS_PORT: port, MUSICBRAINZ_RATE_PER_SECOND: '1' };
  });
  afterAll(async () => {
    await world?.close();
    await redis?.stop();
  });

  it.skipIf(isMissing)(
    'are one towards a provider: the limit holds, also when Redis is restarted and has lost everything',
    async () => {
      const workers = await Promise.all(
        [[], [], ['--queue', 'backlog'], []].map((args) => world.worker(args, shared)),
      );
      for (let n = 0; n < 30; n++) await world.publish(n);
      await sleep(6000);
      await redis.kill();
      await redis.start();
      for (let n = 30; n < 40; n++) await world.publish(n);
      await sleep(9000);
      const { calls, violations } = world.simulator.report().musicbrainz;
      expect(violations).toBe(0);
      expect(calls).toBeGreaterThan(7);
      await Promise.all(workers.map(stopWorker));
    },
    90_000,
  );

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
    'ten tasks of five workers that ask for one key at once make one call',
    async () => {
      const none = { spotify: unlimited, musicbrainz: unlimited, lastfm: unlimited };
      await world.changeProviders({ latencyMs: 300, ratesPerSecond: none });
      const unpaced = { ...shared, MUSICBRAINZ_RATE_PER_SECOND: 'off', ENRICHMENT_PREFETCH_COUNT: '2' };
      const workers = await Promise.all(Array.from({ length: 5 }, () => world.worker([], unpaced)));
      // The same song under ten track ids: ten streams, one lookup.
      const { artist = '', title = '', durationMs = null } = tracksOf(58)[57] ?? {};
      const ids = Array.from({ length: 10 }, (_, n) => `same-${n}`);
      await Promise.all(
        ids.map((trackId) => world.publisher.publish({ trackId, artist, title, durationMs })),
      );
      const enriched = async (trackId: string) =>
        (await world.ledger.read(`track-${trackId}`)).filter(({ type }) => type === 'Enriched').length;
      await expect.poll(() => Promise.all(ids.map(enriched)), { timeout: 20_000 }).toEqual(ids.map(() => 1));
      expect(world.simulator.report().spotify.calls).toBe(1);
      await Promise.all(workers.map(stopWorker));
    },
    60_000,
  );

  it.skipIf(isMissing)(
    'an operator closes a gate, sees it, and opens it again',
    async () => {
      const closed = await world.cli(['gate', 'close', 'spotify', '--minutes', '5'], shared).ended;
      expect(closed.stdout, closed.stderr).toMatch(/Spotify +closed +for (4 min 5\d|5 min)/);
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
