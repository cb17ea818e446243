import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger, RecordedEvent } from '../../src/ledger/ledger.ts';
import { openPostgresLedger } from '../../src/ledger/postgres.ts';
import type { CatalogueTrack } from '../../src/providers/simulator/catalogue.ts';
import { noFaults } from '../../src/providers/simulator/faults.ts';
import { type Simulator, startSimulator } from '../../src/providers/simulator/simulator.ts';
import { EnrichmentQueuePublisher } from '../../src/queue/publisher.ts';
import { initTopology } from '../../src/queue/rabbitmq-init.ts';
import { laneQueues, type QueueType, topologyOf } from '../../src/queue/topology.ts';
import { type Ended, type Started, startCli, startModule } from './cli.ts';
import { type FreshDatabase, freshDatabase } from './postgres.ts';
import type { RabbitmqServer } from './services/rabbitmq.ts';
import { openVhost, type Vhost } from './services/vhost.ts';

const unlimited = Number.POSITIVE_INFINITY;
type SimulatorOptions = Parameters<typeof startSimulator>[0];

/** Tracks that the simulator knows: `t0`, `t1`, … */
export function tracksOf(count: number): readonly CatalogueTrack[] {
  return Array.from({ length: count }, (_, n) => ({
    artist: `Band ${n % 7}`,
    title: `Song number ${n}`,
    album: null,
    year: 1990,
    durationMs: 180_000 + n * 1000,
    isrc: null,
    spotifyId: null,
    mbid: null,
  }));
}

/** A broker, a ledger and the providers, in parts of their own; workers are real processes. */
export interface DistributedWorld {
  readonly vhost: Vhost;
  readonly database: FreshDatabase;
  readonly ledger: Ledger;
  readonly publisher: EnrichmentQueuePublisher;
  simulator: Simulator;
  /** What a process of this world needs to know. */
  environment(more?: Readonly<Record<string, string>>): { readonly environment: Record<string, string> };
  /** Another simulator in place of this one, with other faults. */
  changeProviders(options: Partial<SimulatorOptions>): Promise<void>;
  /** Publishes track n of the catalogue. */
  publish(n: number, more?: { readonly priority?: number; readonly taskId?: string }): Promise<string>;
  cli(args: readonly string[], more?: Readonly<Record<string, string>>): Started;
  module(path: string, args: readonly string[], more?: Readonly<Record<string, string>>): Started;
  /** A worker that has begun to consume. */
  worker(args?: readonly string[], more?: Readonly<Record<string, string>>): Promise<Started>;
  /** Where the health endpoints of a service are. */
  healthPort(service: Started): Promise<number>;
  eventsOf(n: number): Promise<readonly RecordedEvent[]>;
  /** Resolves when nothing is in any queue but the guide's DLQ. */
  drained(withinMs: number): Promise<void>;
  close(): Promise<void>;
}

export async function openDistributedWorld(
  options: {
    readonly tracks?: number;
    readonly server?: RabbitmqServer;
    /** A PostgreSQL for ledger and read models, `postgres://…`; left out: the one of this run. */
    readonly postgres?: string;
    readonly queueType?: QueueType;
    readonly simulator?: Partial<SimulatorOptions>;
  } = {},
): Promise<DistributedWorld> {
  const tracks = tracksOf(options.tracks ?? 20);
  const newSimulator = (more: Partial<SimulatorOptions>) =>
    startSimulator({
      tracks,
      port: 0,
      seed: 1,
      unknownShare: 0,
      decoyShare: 0,
      latencyMs: 5,
      faults: noFaults,
      ratesPerSecond: { spotify: unlimited, musicbrainz: unlimited, lastfm: unlimited },
      ...more,
    });
  const vhost = await openVhost(options.server);
  const database = await freshDatabase(options.postgres);
  const ledger = await openPostgresLedger({ url: database.url });
  const { address, managementUrl } = vhost;
  const { differences } = await initTopology({
    address,
    managementUrl,
    type: options.queueType ?? 'classic',
  });
  if (differences.length > 0) throw new Error(differences.join('\n'));
  const publisher = new EnrichmentQueuePublisher(address, { name: 'test' });
  const started = new Set<Started>();
  const watched = (one: Started): Started => {
    started.add(one);
    void one.ended.then(() => started.delete(one));
    return one;
  };
  const world: DistributedWorld = {
    vhost,
    database,
    ledger,
    publisher,
    simulator: await newSimulator(options.simulator ?? {}),
    environment: (more = {}) => ({
      environment: {
        ...vhost.environment,
        ...world.simulator.environment,
        LEDGER_URL: database.url,
        DATABASE_URL: database.url,
        ENRICHMENT_PREFETCH_COUNT: '10',
        SPOTIFY_RATE_PER_SECOND: 'off',
        MUSICBRAINZ_RATE_PER_SECOND: 'off',
        LASTFM_RATE_PER_SECOND: 'off',
        LOG_LEVEL: 'info',
        ...more,
      },
    }),
    async changeProviders(more) {
      await world.simulator.close();
      world.simulator = await newSimulator({ port: Number(new URL(world.simulator.url).port), ...more });
    },
    async publish(n, more = {}) {
      const { artist = '', title = '', durationMs } = tracks[n] ?? {};
      const { taskId } = await publisher.publish({
        trackId: `t${n}`,
        artist,
        title,
        durationMs: durationMs ?? null,
        ...more,
      });
      return taskId;
    },
    cli: (args, more) => watched(startCli(args, world.environment(more))),
    module: (path, args, more) => watched(startModule(path, args, world.environment(more))),
    async worker(args = [], more = {}) {
      const worker = world.cli(['worker', ...args], more);
      await worker.said('"msg":"Consuming metadata');
      return worker;
    },
    async healthPort(service) {
      await service.said('is running');
      return Number(/"port":(\d+),"msg":"[^"]* is running"/.exec(service.output())?.[1]);
    },
    eventsOf: (n) => ledger.read(`track-t${n}`),
    async drained(withinMs) {
      const queues = topologyOf('classic')
        .queues.map(({ name }) => name)
        .filter((name) => !name.endsWith('_dlq'));
      const deadlineMs = performance.now() + withinMs;
      // Twice, because the broker counts now and then.
      for (let times = 0; times < 2; ) {
        const depths = await Promise.all(
          queues.map(async (queue) => ({ queue, ...(await vhost.depth(queue)) })),
        );
        const full = depths.filter(({ ready, unacked }) => ready + unacked > 0);
        times = full.length === 0 ? times + 1 : 0;
        if (performance.now() > deadlineMs) throw new Error(`Still there: ${JSON.stringify(full)}`);
        await sleep(250);
      }
    },
    async close() {
      for (const one of started) one.child.kill('SIGKILL');
      await Promise.all([...started].map((one) => one.ended));
      await publisher.close();
      await world.simulator.close();
      await ledger.close();
      await database.drop();
      await vhost.drop();
    },
  };
  return world;
}

/** Ends a worker as an operator does, and tells how it ended. */
export async function stopWorker(worker: Started): Promise<Ended> {
  worker.child.kill('SIGTERM');
  return worker.ended;
}

export const realTimeQueue = laneQueues['real-time'];
export const backlogQueue = laneQueues.backlog;
