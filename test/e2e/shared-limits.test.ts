import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Started } from '../support/cli.ts';
import { type DistributedWorld, openDistributedWorld, stopWorker, tracksOf } from '../support/distributed.ts';
import { type PrivateRabbitmq, rabbitmqProgram, startPrivateRabbitmq } from '../support/services/rabbitmq.ts';
import { type PrivateRedis, redisProgram, startPrivateRedis } from '../support/services/redis.ts';

const unlimited = Number.POSITIVE_INFINITY;
const isMissing = rabbitmqProgram() === null || redisProgram() === null;
const why = isMissing ? ' (skipped: install rabbitmq-server and redis-server)' : '';

/** Alone, and with servers of its own: what the provider sees depends on the clock. */
describe.skipIf(isMissing)(`many workers are one towards a provider${why}:`, () => {
  let redis: PrivateRedis;
  let broker: PrivateRabbitmq;
  let world: DistributedWorld;
  const workers: Started[] = [];
  beforeAll(async () => {
    [redis, broker] = await Promise.all([startPrivateRedis(), startPrivateRabbitmq()]);
    const ratesPerSecond = { spotify: unlimited, musicbrainz: 1, lastfm: unlimited };
    world = await openDistributedWorld({
      tracks: 200,
      server: broker,
      simulator: { ratesPerSecond, latencyMs: 200 },
    });
  }, 120_000);
  afterAll(async () => {
    await world?.close();
    await Promise.all([redis?.stop(), broker?.stop()]);
  });

  async function start(count: number): Promise<void> {
    const { hostname, port } = new URL(redis.url);
    const shared = { REDIS_HOST: hostname, REDIS_PORT: port, MUSICBRAINZ_RATE_PER_SECOND: '1' };
    // The first is one of the backlog.
    const lanes = Array.from({ length: count }, (_, n) =>
      workers.length + n === 0 ? ['--queue', 'backlog'] : [],
    );
    workers.push(
      ...(await Promise.all(
        lanes.map((args) => world.worker(args, { ...shared, ENRICHMENT_PREFETCH_COUNT: '1' })),
      )),
    );
  }

  const restart = async () => {
    await redis.kill();
    await redis.start();
  };

  it('two, four and eight of them together never break a call a second, also when Redis is flushed or restarted', async () => {
    let published = 0;
    for (const [more, loss] of [
      [2, [redis.flush, restart]],
      [2, [restart]],
      [4, [redis.flush, restart]],
    ] as const) {
      await start(more);
      for (let n = 0; n < 10; n++) await world.publish(published++, { priority: n % 2 === 0 ? 5 : 0 });
      const before = world.simulator.report().musicbrainz.calls;
      const startedMs = performance.now();
      for (const lose of loss) {
        await sleep(3000);
        await lose();
      }
      await sleep(3000);
      const { calls, violations, closestMs } = world.simulator.report().musicbrainz;
      const seconds = (performance.now() - startedMs) / 1000;
      console.log(
        `${workers.length} workers: ${calls - before} calls in ${seconds.toFixed(1)} s, closest ${closestMs} ms`,
      );
      expect(violations).toBe(0);
      // That it comes back each time; how soon depends on the machine.
      expect(calls - before).toBeGreaterThan(0);
    }
  }, 180_000);

  it('ten workers that ask for one uncached key at once make one call', async () => {
    await start(11 - workers.length);
    await world.drained(120_000);
    const callsOf = () => Object.values(world.simulator.report()).map(({ calls }) => calls);
    const before = callsOf();
    // The same song under ten track ids: ten streams, one lookup.
    const { artist = '', title = '', durationMs = null } = tracksOf(190)[189] ?? {};
    const ids = Array.from({ length: 10 }, (_, n) => `same-${n}`);
    await Promise.all(ids.map((trackId) => world.publisher.publish({ trackId, artist, title, durationMs })));
    const ends = async (trackId: string) =>
      (await world.ledger.read(`track-${trackId}`)).filter(({ type }) => type === 'Enriched').length;
    await expect.poll(() => Promise.all(ids.map(ends)), { timeout: 30_000 }).toEqual(ids.map(() => 1));
    expect(callsOf().map((calls, at) => calls - (before[at] ?? 0))).toEqual([1, 1, 1]);
    const ended = await Promise.all(workers.map(stopWorker));
    expect(ended.map(({ code }) => code)).toEqual(workers.map(() => 0));
  }, 180_000);
});
