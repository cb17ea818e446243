import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMemoryCache } from './cache/memory.ts';
import { createMemorySingleFlight } from './cache/memory-single-flight.ts';
import type { Config } from './config.ts';
import type { Lane } from './domain/priority.ts';
import { type Provider, providers } from './domain/provider.ts';
import { openEmbeddedPostgres } from './embedded/embedded-postgres.ts';
import { type Ledger, LedgerUnavailable } from './ledger/ledger.ts';
import { claimLedger } from './ledger/ledger-claim.ts';
import { openPostgresLedger } from './ledger/postgres.ts';
import { migrateProjections } from './projections/migrate.ts';
import { type Projector, startProjector } from './projections/projector.ts';
import { createHttp } from './providers/http.ts';
import { createLastfm } from './providers/lastfm.ts';
import { createMemoryGates } from './providers/memory-gates.ts';
import { createMusicBrainz } from './providers/musicbrainz.ts';
import type { ProviderClient } from './providers/provider-client.ts';
import { createSpotify } from './providers/spotify.ts';
import { createInProcessQueue } from './queue/in-process.ts';
import type { Consumer, DeliveryHandler, TaskQueue } from './queue/queue.ts';
import { randomId } from './queue/task-id.ts';
import type { FlightValue } from './workers/ask.ts';
import { createCallPace } from './workers/call-pace.ts';
import { type Credentials, createCredentials } from './workers/credentials.ts';
import { createHandler, NoProviderLeft } from './workers/handle.ts';
import { createIntake } from './workers/intake.ts';
import type { WorkerObserver } from './workers/worker-observer.ts';

/** The user agent towards providers that do not ask for a contact. */
const userAgent = 'enrichment-ledger/0.1';

/** Messages that the in-process queue holds: the ready ones, and those that wait for their time. */
export const queueCapacity = { ready: 10_000, waiting: 10_000 } as const;

/** A ledger, and why it may not be able to go on. */
export interface OpenLedger {
  readonly ledger: Ledger;
  /** Why the database cannot go on; null while nothing is known to be wrong. */
  fault(): Error | null;
  close(): Promise<void>;
}

/** The ledger and the read models of a data folder, without workers: enough to ask about tracks. */
export interface Store extends OpenLedger {
  readonly databaseUrl: string;
}

export interface StoreOptions {
  readonly dataDir: string;
  /** `esdb://…` or `postgres://…`; null: the ledger is in the data folder. */
  readonly ledgerUrl: string | null;
}

/** The ledger at an address. */
export async function openLedgerAt(url: string): Promise<Ledger> {
  if (!url.startsWith('esdb')) return openPostgresLedger({ url });
  // Its client takes a while to load, which only those who use it have to wait for.
  const { openEventStoreLedger } = await import('./ledger/eventstoredb.ts');
  return openEventStoreLedger({ url });
}

/** The ledger alone. That of a data folder brings its PostgreSQL along. */
export async function openLedger({ dataDir, ledgerUrl }: StoreOptions): Promise<OpenLedger> {
  if (ledgerUrl === null) return openStore({ dataDir, ledgerUrl });
  const ledger = await openLedgerAt(ledgerUrl);
  return { ledger, fault: () => null, close: () => ledger.close() };
}

/** Opens a data folder: its PostgreSQL, its read models, and the ledger that they are made from. */
export async function openStore({ dataDir, ledgerUrl }: StoreOptions): Promise<Store> {
  const postgres = await openEmbeddedPostgres({ dataDir });
  try {
    await claimLedger(dataDir, ledgerUrl);
    const ledger = ledgerUrl === null ? await openPostgresLedger(postgres) : await openLedgerAt(ledgerUrl);
    await migrateProjections({ url: postgres.url });
    return {
      ledger,
      databaseUrl: postgres.url,
      fault: postgres.fault,
      async close() {
        await ledger.close();
        await postgres.stop();
      },
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/** Follows the ledger into the read models. */
export function openProjector(store: Store): Projector {
  return startProjector({ ledger: store.ledger, url: store.databaseUrl });
}

export interface EmbeddedWorkers {
  readonly queue: TaskQueue;
  readonly providers: readonly Provider[];
  readonly credentials: Credentials;
  /** Takes no more tasks, finishes those in hand and closes the connections to the providers. */
  stop(): Promise<void>;
}

export interface EmbeddedWorkersOptions {
  readonly config: Config;
  readonly ledger: Ledger;
  /** Real-time tasks in flight; the backlog has an eighth of it besides. */
  readonly concurrency: number;
  readonly assumeNew: boolean;
  readonly observer: WorkerObserver;
  readonly onRefused: (provider: Provider, message: string) => void;
  /** The workers cannot go on: the ledger is away, or no provider takes our credentials. */
  readonly onFatal: (error: Error) => void;
}

/** How long a stop waits for tasks that wait at a gate before it hands them back. */
const stopGraceMs = 5000;

/** The workers of the embedded mode: queue, cache and gates in this process. */
export function startEmbeddedWorkers(options: EmbeddedWorkersOptions): EmbeddedWorkers {
  const { config, concurrency } = options;
  const clients = createClients(config);
  const queue = createInProcessQueue({ capacity: queueCapacity });
  const gates = createMemoryGates({ limits: config.gateLimits });
  const ratePerSecond = Object.fromEntries(
    providers.map((provider) => [provider, config.gateLimits[provider].ratePerSecond]),
  ) as Record<Provider, number>;
  const { onRefused, onFatal } = options;
  const stopping = new AbortController();
  const abandoning = new AbortController();
  // Every task that waits at a gate listens to it.
  setMaxListeners(0, abandoning.signal);
  const credentials = createCredentials({ now: Date.now, onRefused, onAccepted: () => undefined });
  const shared = {
    ...options,
    queue,
    gates,
    pace: createCallPace({ ratePerSecond }),
    clients,
    credentials,
    cache: createMemoryCache({
      ttlMs: config.cacheTtlMs,
      missingTtlMs: config.cacheMissingTtlMs,
      bytesMax: config.cacheBytesMax,
    }),
    flights: createMemorySingleFlight<FlightValue>(),
    policy: config.policy,
    patience: config.patience,
    now: Date.now,
    sleep: (ms: number) => sleep(ms, undefined, { signal: abandoning.signal }),
    newId: randomId,
    random: Math.random,
  };
  const consume = (lane: Lane, patienceMs: number, atOnce: number): Consumer => {
    const intake = createIntake({ gates, ratePerSecond, patienceMs, signal: stopping.signal });
    const handle = createHandler({ ...shared, intake });
    const watched: DeliveryHandler = async (delivery) => {
      try {
        await handle(delivery);
      } catch (error) {
        if (error instanceof NoProviderLeft || error instanceof LedgerUnavailable) onFatal(error);
        throw error;
      }
    };
    return queue.consume(watched, { lanes: [lane], concurrency: atOnce });
  };
  const consumers = [
    consume('real-time', config.patience.requestMs, concurrency),
    consume('backlog', config.patience.followUpMs, Math.max(1, Math.ceil(concurrency / 8))),
  ];
  return {
    queue,
    providers: providers.filter((provider) => clients[provider] !== undefined),
    credentials,
    async stop() {
      stopping.abort();
      const grace = setTimeout(() => abandoning.abort(), stopGraceMs);
      await Promise.all(consumers.map((consumer) => consumer.stop()));
      clearTimeout(grace);
      await queue.close();
      await Promise.all(Object.values(clients).map((client) => client.close()));
    },
  };
}

function createClients(config: Config): Partial<Record<Provider, ProviderClient>> {
  const { spotify, musicbrainz, lastfm, callTimeoutMs: timeoutMs } = config;
  const http = createHttp({ timeoutMs, userAgent });
  const clients: Partial<Record<Provider, ProviderClient>> = {};
  if (spotify.credentials !== null)
    clients.spotify = createSpotify({ http, ...spotify, ...spotify.credentials });
  if (musicbrainz.userAgent !== null) {
    clients.musicbrainz = createMusicBrainz({ http, ...musicbrainz, userAgent: musicbrainz.userAgent });
  }
  if (lastfm.apiKey !== null) clients.lastfm = createLastfm({ http, ...lastfm, apiKey: lastfm.apiKey });
  return clients;
}
