import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type SharedStates, sharedByAll, sharedByNobody } from './app-shared.ts';
import type { AnswerCache } from './cache/answer-cache.ts';
import type { SingleFlight } from './cache/single-flight.ts';
import type { Config } from './config.ts';
import type { Lane } from './domain/priority.ts';
import { type Provider, providers } from './domain/provider.ts';
import { type Ledger, LedgerUnavailable } from './ledger/ledger.ts';
import type { ProviderGates } from './providers/gate.ts';
import { createHttp } from './providers/http.ts';
import { createLastfm } from './providers/lastfm.ts';
import { createMusicBrainz } from './providers/musicbrainz.ts';
import type { ProviderClient } from './providers/provider-client.ts';
import { createSpotify } from './providers/spotify.ts';
import { createInProcessQueue } from './queue/in-process.ts';
import type { Consumer, TaskQueue } from './queue/queue.ts';
import { createRabbitmqQueue, type RabbitmqQueue } from './queue/rabbitmq.ts';
import type { RabbitmqAddress } from './queue/rabbitmq-connection.ts';
import { randomId } from './queue/task-id.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { createCallPace } from './workers/call-pace.ts';
import { type Credentials, createCredentials } from './workers/credentials.ts';
import { createDeadLetterHandler } from './workers/dead-letter-inbox.ts';
import type { FlightValue } from './workers/flight-value.ts';
import { createHandler, NoProviderLeft } from './workers/handle.ts';
import { type Around, createHold } from './workers/hold.ts';
import { createIntake } from './workers/intake.ts';
import type { WorkerObserver } from './workers/worker-observer.ts';

/** The user agent towards providers that do not ask for a contact. */
const userAgent = 'enrichment-ledger/0.1';

/** Messages that the in-process queue holds: the ready ones, and those that wait for their time. */
const queueCapacity = { ready: 10_000, waiting: 10_000 } as const;

export interface Workers<Queue extends TaskQueue = TaskQueue> {
  readonly queue: Queue;
  readonly providers: readonly Provider[];
  readonly credentials: Credentials;
  readonly gates: ProviderGates;
  /** Takes no more tasks, finishes those in hand and closes the connections to the providers. */
  stop(): Promise<void>;
}

export interface WorkersOptions {
  readonly config: Config;
  readonly ledger: Ledger;
  readonly observer: WorkerObserver;
  readonly onRefused: (provider: Provider, message: string) => void;
  /** The workers cannot go on: the ledger is away, or no provider takes our credentials. */
  readonly onFatal: (error: Error) => void;
}

/** How long a stop waits for tasks that wait at a gate before it hands them back. */
const stopGraceMs = 5000;

/** The workers of the embedded mode: queue, cache and gates in this process. */
export function startEmbeddedWorkers(
  options: WorkersOptions & {
    /** Real-time tasks in flight; the backlog has an eighth of it besides. */
    readonly concurrency: number;
    readonly assumeNew: boolean;
  },
): Workers {
  const { concurrency, onFatal } = options;
  return startWorkers({
    ...options,
    ...sharedByNobody(options.config),
    queue: createInProcessQueue({ capacity: queueCapacity }),
    lanes: { 'real-time': concurrency, backlog: Math.max(1, Math.ceil(concurrency / 8)) },
    around: () => tellingOf([NoProviderLeft, LedgerUnavailable], onFatal),
  });
}

/** A worker that may share cache and gates with others. */
export interface RabbitmqWorkers extends Workers<RabbitmqQueue> {
  /** Why nobody may call a provider at this moment, one sentence; null: the gates answer. */
  gateFault(): Promise<string | null>;
}

/** A worker of one lane on RabbitMQ, which also empties the inbox of dead letters. */
export function startRabbitmqWorkers(
  options: WorkersOptions &
    SharedStates & {
      readonly address: RabbitmqAddress;
      readonly name: string;
      readonly lane: Lane;
      readonly concurrency: number;
      readonly metrics: Metrics;
      /** Why nothing comes from a queue, or null when it does again. */
      readonly onQueueState: (queue: string, why: string | null) => void;
      /** Why tasks are held, or null when they go on. */
      readonly onLedgerState: (why: string | null) => void;
    },
): RabbitmqWorkers {
  const { config, address, name, lane, concurrency, onFatal } = options;
  const shared = config.redis === null ? sharedByNobody(config) : sharedByAll(config, config.redis, options);
  const workers = startWorkers({
    ...options,
    assumeNew: true,
    cache: shared.cache,
    onCacheMiss: (provider) => options.metrics.cacheMisses.inc({ provider }),
    gates: shared.gates,
    flights: shared.flights,
    onStopped: shared.close,
    queue: createRabbitmqQueue({ address, name, onState: options.onQueueState }),
    lanes: { [lane]: concurrency },
    around(signal) {
      const hold = createHold({ signal, onState: options.onLedgerState });
      const telling = tellingOf([NoProviderLeft], onFatal);
      return (handle) => hold(telling(handle));
    },
  });
  return { ...workers, gateFault: shared.gateFault };
}

function startWorkers<Queue extends TaskQueue>(
  options: WorkersOptions & {
    readonly queue: Queue;
    /** How many tasks of each lane are in flight. */
    readonly lanes: Readonly<Partial<Record<Lane, number>>>;
    readonly assumeNew: boolean;
    readonly cache: AnswerCache;
    readonly gates: ProviderGates;
    readonly flights: SingleFlight<FlightValue>;
    readonly onCacheMiss?: (provider: Provider) => void;
    readonly onStopped?: () => Promise<void>;
    /** What stands around every handler. @param signal aborted when messages are handed back */
    readonly around: (signal: AbortSignal) => Around;
  },
): Workers<Queue> {
  const { config, queue, lanes, gates, onRefused } = options;
  const clients = createClients(config);
  const ratePerSecond = Object.fromEntries(
    providers.map((provider) => [provider, config.gateLimits[provider].ratePerSecond]),
  ) as Record<Provider, number>;
  const stopping = new AbortController();
  const abandoning = new AbortController();
  // Every task that waits at a gate listens to it.
  setMaxListeners(0, abandoning.signal, stopping.signal);
  const credentials = createCredentials({ now: Date.now, onRefused, onAccepted: () => undefined });
  const shared = {
    ...options,
    queue,
    gates,
    pace: createCallPace({ ratePerSecond }),
    clients,
    credentials,
    policy: config.policy,
    patience: config.patience,
    now: Date.now,
    sleep: (ms: number) => sleep(ms, undefined, { signal: abandoning.signal }),
    newId: randomId,
    random: Math.random,
  };
  const patienceMs: Readonly<Record<Lane, number>> = {
    'real-time': config.patience.requestMs,
    backlog: config.patience.followUpMs,
  };
  const around = options.around(stopping.signal);
  const consumers: Consumer[] = Object.entries(lanes).map(([name, concurrency]) => {
    const lane = name as Lane;
    const intake = createIntake({
      gates,
      ratePerSecond,
      patienceMs: patienceMs[lane],
      signal: stopping.signal,
    });
    return queue.consume(around(createHandler({ ...shared, intake })), { lanes: [lane], concurrency });
  });
  consumers.push(queue.consumeDeadLetters(around(createDeadLetterHandler(shared))));
  return {
    queue,
    providers: providers.filter((provider) => clients[provider] !== undefined),
    credentials,
    gates,
    async stop() {
      stopping.abort();
      const grace = setTimeout(() => abandoning.abort(), stopGraceMs);
      await Promise.all(consumers.map((consumer) => consumer.stop()));
      clearTimeout(grace);
      await queue.close();
      await Promise.all(Object.values(clients).map((client) => client.close()));
      await options.onStopped?.();
    },
  };
}

/** Tells of these errors, and passes every error on. */
function tellingOf(
  kinds: readonly (new (...args: never[]) => Error)[],
  onFatal: (error: Error) => void,
): Around {
  return <Given>(handle: (given: Given) => Promise<void>) =>
    async (given: Given) => {
      try {
        await handle(given);
      } catch (error) {
        if (error instanceof Error && kinds.some((kind) => error instanceof kind)) onFatal(error);
        throw error;
      }
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
