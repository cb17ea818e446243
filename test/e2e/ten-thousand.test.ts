import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noFaults } from '../../src/providers/simulator/faults.ts';
import { plainTracks } from '../providers/simulator/running.ts';
import type { Started } from '../support/cli.ts';
import { type DistributedWorld, openDistributedWorld, stopWorker } from '../support/distributed.ts';
import { type Door, openDoor } from '../support/door.ts';
import { randomFrom } from '../support/random.ts';
import { type PrivateRabbitmq, rabbitmqProgram, startPrivateRabbitmq } from '../support/services/rabbitmq.ts';
import { type PrivateRedis, redisProgram, startPrivateRedis } from '../support/services/redis.ts';
import { type SimulatorProcess, startSimulatorProcess } from '../workers/simulator-process.ts';

/** Servers that may be killed have to be one's own. */
const isMissing = rabbitmqProgram() === null || redisProgram() === null;
const taskCount = 10_000;
/** Tracks with the same artist and title: few enough to be asked for at a real rate. */
const songs = plainTracks(350);
const ratePerSecond = 5;
const prefetch = 10;
/** A task asks a provider once, and once more where that was no answer, before it has to be recorded. */
const unrecordedMax = prefetch * 3 * 2;
const lanes = [[], ['--queue', 'backlog'], [], ['--queue', 'backlog']] as const;
const faultsForMs = 60_000;

describe.skipIf(isMissing)(
  `four workers${isMissing ? ' (skipped: install rabbitmq-server and redis-server)' : ''}`,
  () => {
    let broker: PrivateRabbitmq;
    let redis: PrivateRedis;
    let simulator: SimulatorProcess;
    let world: DistributedWorld;
    let toRedis: Door;
    let toLedger: Door;
    const doorTo = (url: string) => {
      const { hostname, port } = new URL(url);
      return openDoor({ host: hostname, port: Number(port) });
    };
    beforeAll(async () => {
      const seed = Date.now() & 0xffff;
      const faults = {
        ...noFaults,
        errorShare: 0.02,
        brokenBodyShare: 0.005,
        hangShare: 0.005,
        throttleShare: 0.005,
        musicbrainzBusyShare: 0.01,
        lastfmErrorShare: 0.01,
      };
      console.log(`ten thousand: seed ${seed} of the providers`);
      [broker, redis] = await Promise.all([startPrivateRabbitmq(), startPrivateRedis()]);
      simulator = await startSimulatorProcess(ratePerSecond, { seed, faults, latencyMs: 20 });
      world = await openDistributedWorld({ server: broker });
      [toRedis, toLedger] = await Promise.all([doorTo(redis.url), doorTo(world.database.url)]);
    }, 120_000);
    afterAll(async () => {
      await world?.close();
      await Promise.all([toRedis?.close(), toLedger?.close(), simulator?.close()]);
      await Promise.all([broker?.stop(), redis?.stop()]);
    }, 60_000);

    function start(lane: number): Promise<Started> {
      const ledger = new URL(world.database.url);
      ledger.hostname = '127.0.0.1';
      ledger.port = String(toLedger.port);
      const rates = ['SPOTIFY', 'MUSICBRAINZ', 'LASTFM'].map((one) => [
        `${one}_RATE_PER_SECOND`,
        String(ratePerSecond),
      ]);
      return world.worker(lanes[lane] ?? [], {
        ...simulator.environment,
        ...Object.fromEntries(rates),
        LEDGER_URL: ledger.href,
        REDIS_HOST: '127.0.0.1',
        REDIS_PORT: String(toRedis.port),
        API_TIMEOUT: '2',
        API_INITIAL_DELAY: '1',
        API_MAX_DELAY: '1',
        API_MAX_RETRIES: '50',
        ENRICHMENT_PREFETCH_COUNT: String(prefetch),
      });
    }

    /** Faults of everything, one after the other, for a while; how many workers were killed. */
    async function strike(
      workers: Started[],
      random: () => number,
    ): Promise<{ readonly kills: number; readonly told: string }> {
      const told: string[] = [];
      let kills = 0;
      const replace = async (at: number, signal: NodeJS.Signals) => {
        const worker = workers[at];
        worker?.child.kill(signal);
        await worker?.ended;
        workers[at] = await start(at);
      };
      const faults: Readonly<Record<string, (at: number) => Promise<void>>> = {
        kill: (at) => {
          kills += 1;
          return replace(at, 'SIGKILL');
        },
        stop: (at) => replace(at, 'SIGTERM'),
        async silentLedger() {
          toLedger.freeze();
          await sleep(random() * 1500);
          toLedger.mend();
        },
        async goneLedger() {
          toLedger.cut();
          await sleep(random() * 1500);
          toLedger.mend();
        },
        async broker() {
          await broker.kill();
          await sleep(random() * 1000);
          await broker.start();
        },
        async killedRedis() {
          await redis.kill();
          await sleep(random() * 1000);
          await redis.start();
        },
        flushedRedis: () => redis.flush(),
        async slowRedis() {
          toRedis.slow(2000);
          await sleep(1000 + random() * 2000);
          toRedis.mend();
        },
      };
      const untilMs = performance.now() + faultsForMs;
      // Each at least once, a kill thrice, then what comes.
      const names = [...Object.keys(faults), 'kill', 'kill'];
      const order = names.map((name) => ({ name, at: random() })).sort((a, b) => a.at - b.at);
      for (let n = 0; n < names.length || performance.now() < untilMs; n++) {
        await sleep(500 + random() * 1500);
        const name = order[n]?.name ?? names[Math.floor(random() * names.length)] ?? 'kill';
        told.push(name);
        await faults[name]?.(Math.floor(random() * workers.length));
      }
      return { kills, told: told.join(', ') };
    }

    it('finish 10,000 tasks once each with faults of all at random: no limit broken, every call recorded, no queue left full', async () => {
      const seed = Date.now() & 0x7fffffff;
      console.log(`ten thousand: seed ${seed} of the faults`);
      const random = randomFrom(seed);
      const workers = await Promise.all(lanes.map((_, lane) => start(lane)));
      const striking = strike(workers, random);
      const ids: string[] = [];
      const publish = async (n: number, taskId?: string) => {
        const { artist = '', title = '' } = songs[n % songs.length] ?? {};
        const priority = n % 11;
        const published = await world.publisher.publish({
          trackId: `n${n}`,
          artist,
          title,
          priority,
          ...(taskId === undefined ? {} : { taskId }),
        });
        return published.taskId;
      };
      for (let from = 0; from < taskCount; from += 500)
        ids.push(...(await Promise.all(Array.from({ length: 500 }, (_, n) => publish(from + n)))));
      // Some of them twice, as a publisher that repeats itself.
      await Promise.all(ids.slice(0, 200).map((taskId, n) => publish(n, taskId)));
      const { kills, told } = await striking;
      console.log(`ten thousand: ${told}`);
      await world.drained(600_000);
      await Promise.all(workers.map(stopWorker));

      const [ended] = await world.database.query(
        `WITH tasks AS (
             SELECT metadata->>'taskId' AS id, stream,
                    count(*) FILTER (WHERE type = 'Enriched' OR (type = 'Failed' AND (data->>'final')::boolean)) AS ends
               FROM ledger.events WHERE stream LIKE 'track-%' GROUP BY 1, 2)
           SELECT (SELECT count(*)::int FROM tasks WHERE ends <> 1) AS odd,
                  (SELECT count(*)::int FROM tasks WHERE ends = 1 AND id = ANY($1)) AS published`,
        [ids],
      );
      expect(ended).toEqual({ odd: 0, published: taskCount });
      const recorded = await world.database.query(
        `SELECT data->>'provider' AS provider, count(*)::int AS calls,
                  count(*) FILTER (WHERE data->>'httpStatus' IS NULL)::int AS unanswered
             FROM ledger.events WHERE type = 'ApiCalled' GROUP BY 1`,
      );
      const { report } = await simulator.seen();
      for (const { provider, calls, unanswered } of recorded as {
        provider: 'spotify';
        calls: number;
        unanswered: number;
      }[]) {
        const seen = report[provider];
        console.log(
          `ten thousand: ${provider} ${JSON.stringify({ kills, recorded: calls, unanswered, ...seen })}`,
        );
        expect(seen.violations, provider).toBe(0);
        // A call that timed out may have been answered, or may not have arrived.
        expect(seen.answered).toBeGreaterThanOrEqual(calls - unanswered);
        expect(seen.calls).toBeGreaterThanOrEqual(calls - unanswered);
        expect(seen.calls).toBeLessThanOrEqual(calls + (kills * unrecordedMax) / 3);
      }
      expect(recorded).toHaveLength(3);
    }, 900_000);
  },
);
