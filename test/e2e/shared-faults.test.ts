import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RecordedEvent } from '../../src/ledger/ledger.ts';
import { noFaults } from '../../src/providers/simulator/faults.ts';
import { waitExchange } from '../../src/queue/topology.ts';
import { type DistributedWorld, openDistributedWorld, stopWorker, tracksOf } from '../support/distributed.ts';
import { type Door, openDoor } from '../support/door.ts';
import { type PrivateRedis, redisProgram, startPrivateRedis } from '../support/services/redis.ts';

const isMissing = inject('rabbitmqMissing') !== null || redisProgram() === null;
const unlimited = Number.POSITIVE_INFINITY;
const fast = { API_INITIAL_DELAY: '1', API_MAX_DELAY: '1', API_MAX_RETRIES: '20' };

const ofType = (events: readonly RecordedEvent[], type: string) => events.filter((one) => one.type === type);

describe.skipIf(isMissing)(
  `workers that share a Redis come through${isMissing ? ' (skipped: RabbitMQ and Redis are needed)' : ''}:`,
  () => {
    let redis: PrivateRedis;
    let door: Door;
    let world: DistributedWorld;
    let shared: Record<string, string>;
    beforeAll(async () => {
      redis = await startPrivateRedis();
      return () => redis.stop();
    });
    afterEach(async () => {
      await world.close();
      await door.close();
      await redis.flush();
    });

    async function open(options: Parameters<typeof openDistributedWorld>[0] = {}): Promise<void> {
      const { hostname, port } = new URL(redis.url);
      door = await openDoor({ host: hostname, port: Number(port) });
      world = await openDistributedWorld(options);
      shared = { ...fast, REDIS_HOST: '127.0.0.1', REDIS_PORT: String(door.port) };
    }

    it('Redis slow, flushed, killed and back in the midst of work: each task is finished once, and no limit is broken', async () => {
      const ratesPerSecond = { spotify: 10, musicbrainz: 10, lastfm: unlimited };
      await open({ tracks: 120, simulator: { ratesPerSecond } });
      const rates = { SPOTIFY_RATE_PER_SECOND: '10', MUSICBRAINZ_RATE_PER_SECOND: '10' };
      const start = (...args: string[]) => world.worker(args, { ...shared, ...rates });
      const workers = await Promise.all([start(), start(), start('--queue', 'backlog')]);
      const tasks: string[] = [];
      for (let n = 0; n < 120; n++) tasks.push(await world.publish(n, { priority: n % 3 === 0 ? 0 : 5 }));
      await sleep(1000);
      door.slow(2000);
      await sleep(4000);
      door.mend();
      await sleep(1000);
      await redis.flush();
      await sleep(1000);
      await redis.kill();
      await sleep(1500);
      await redis.start();
      await world.drained(120_000);
      for (const [n, taskId] of tasks.entries()) {
        const own = (await world.eventsOf(n)).filter(({ metadata }) => metadata.taskId === taskId);
        expect(ofType(own, 'Enriched'), `track ${n}`).toHaveLength(1);
        expect(ofType(own, 'Failed'), `track ${n}`).toEqual([]);
      }
      const { spotify, musicbrainz } = world.simulator.report();
      expect([spotify.violations, musicbrainz.violations]).toEqual([0, 0]);
      await Promise.all(workers.map(stopWorker));
    }, 240_000);

    it('one that is killed while it holds a flight: another one flies when its lock has run out', async () => {
      await open({ tracks: 3, simulator: { latencyMs: 60_000 } });
      const settings = { ...shared, API_TIMEOUT: '90', ENRICHMENT_PREFETCH_COUNT: '2' };
      const workers = await Promise.all([world.worker([], settings), world.worker([], settings)]);
      const { artist = '', title = '', durationMs = null } = tracksOf(1)[0] ?? {};
      const ids = ['leads', 'follows'];
      const [leads = ''] = await Promise.all(
        ids
          .slice(0, 1)
          .map(
            async (trackId) => (await world.publisher.publish({ trackId, artist, title, durationMs })).taskId,
          ),
      );
      await expect.poll(() => world.simulator.report().musicbrainz.calls, { timeout: 20_000 }).toBe(1);
      await world.publisher.publish({ trackId: 'follows', artist, title, durationMs });
      await sleep(500);
      const leader = workers.find((one) => one.output().includes(leads));
      if (leader === undefined) return expect.fail('No worker says that it took the task.');
      leader.child.kill('SIGKILL');
      await leader.ended;
      expect(world.simulator.report().musicbrainz.calls).toBe(1);
      await world.changeProviders({});
      const ends = async (trackId: string) =>
        ofType(await world.ledger.read(`track-${trackId}`), 'Enriched').length;
      await expect.poll(() => Promise.all(ids.map(ends)), { timeout: 60_000, interval: 300 }).toEqual([1, 1]);
      expect(world.simulator.report().musicbrainz.calls).toBe(1);
      await Promise.all(workers.filter((one) => one !== leader).map(stopWorker));
    }, 120_000);

    it('429 with Retry-After 600: no call more by anybody, tasks wait in the tier for it, and it was no attempt', async () => {
      await open({
        tracks: 40,
        simulator: { faults: { ...noFaults, throttleShare: 1, retryAfterSeconds: 600 } },
      });
      const settings = {
        ...shared,
        LASTFM_API_KEY: '',
        SPOTIFY_RATE_PER_SECOND: '1',
        MUSICBRAINZ_RATE_PER_SECOND: '1',
      };
      const workers = await Promise.all([world.worker([], settings), world.worker([], settings)]);
      const calls = () => {
        const { spotify, musicbrainz } = world.simulator.report();
        return [spotify.calls, musicbrainz.calls];
      };
      const waiting = async () => (await world.vhost.depth(waitExchange(300_000))).ready;
      const patient = { timeout: 90_000, interval: 300 };
      for (let n = 0; n < 4; n++) await world.publish(n);
      await expect.poll(waiting, patient).toBe(4);
      // One each, and perhaps the next slot's while the first was under way.
      const called = calls();
      for (const count of called) expect([1, 2]).toContain(count);
      // Few, because workers take few while no provider is open.
      for (let n = 4; n < 8; n++) await world.publish(n);
      await expect.poll(waiting, patient).toBe(8);
      expect(calls()).toEqual(called);
      const about = Date.now() + 600_000;
      for (let n = 0; n < 8; n++) {
        const events = await world.eventsOf(n);
        expect(ofType(events, 'Failed')).toEqual([]);
        const until = Date.parse(String(ofType(events, 'Deferred').at(-1)?.data.until));
        expect(until).toBeLessThanOrEqual(about);
        expect(until).toBeGreaterThan(about - 190_000);
      }
      const status = await world.cli(['gate', 'status'], settings).ended;
      expect(status.stdout).toMatch(/Spotify +closed +for \d+ min[^\n]*as the provider asked/);
      await Promise.all(workers.map(stopWorker));
    }, 120_000);

    it('one that hangs and comes back: calls time out, the gate closes, and after a probe all of it is done', async () => {
      await open({ tracks: 30, simulator: { faults: { ...noFaults, hangShare: 1 } } });
      const settings = { ...shared, API_TIMEOUT: '0.5' };
      const workers = await Promise.all([
        world.worker([], settings),
        world.worker([], settings),
        world.worker(['--queue', 'backlog'], settings),
      ]);
      const tasks = await Promise.all(Array.from({ length: 30 }, (_, n) => world.publish(n)));
      await expect
        .poll(async () => (await world.cli(['gate', 'status'], settings).ended).stdout, {
          timeout: 30_000,
          interval: 500,
        })
        .toMatch(/closed +for [^\n]*after failures in a row/);
      await world.changeProviders({});
      await world.drained(120_000);
      for (const [n, taskId] of tasks.entries()) {
        const events = await world.eventsOf(n);
        const own = events.filter(({ metadata }) => metadata.taskId === taskId);
        expect(ofType(own, 'Enriched'), `track ${n}`).toHaveLength(1);
        expect(events.filter(({ type, data }) => type === 'Failed' && data.final === true)).toEqual([]);
      }
      await Promise.all(workers.map(stopWorker));
    }, 200_000);
  },
);
