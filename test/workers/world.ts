import { setTimeout as sleep } from 'node:timers/promises';
import { createMemoryCache } from '../../src/cache/memory.ts';
import { createMemorySingleFlight } from '../../src/cache/memory-single-flight.ts';
import { defaultGateLimits, type GateLimits } from '../../src/domain/gate-limits.ts';
import { laneOfPriority } from '../../src/domain/priority.ts';
import { type Provider, providers } from '../../src/domain/provider.ts';
import { defaultRetryPolicy, type RetryPolicy } from '../../src/domain/retry-policy.ts';
import type { TaskState } from '../../src/domain/state.ts';
import type { TaskOrigin, TaskRequest } from '../../src/domain/task.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { createMemoryGates } from '../../src/providers/memory-gates.ts';
import type { ProviderClient } from '../../src/providers/provider-client.ts';
import {
  createInProcessQueue,
  type InProcessQueue,
  type InProcessQueueOptions,
} from '../../src/queue/in-process.ts';
import { encodeMessage } from '../../src/queue/message.ts';
import type { TaskMessage } from '../../src/queue/queue.ts';
import { randomId } from '../../src/queue/task-id.ts';
import { createCallPace } from '../../src/workers/call-pace.ts';
import { createCredentials } from '../../src/workers/credentials.ts';
import type { FlightValue } from '../../src/workers/flight-value.ts';
import { createHandler, type HandlerOptions } from '../../src/workers/handle.ts';
import { createIntake } from '../../src/workers/intake.ts';
import type { WorkerObserver } from '../../src/workers/worker-observer.ts';
import { plainRequest } from '../support/generators.ts';

export interface WorldOptions {
  readonly ledger: Ledger;
  readonly clients: Partial<Record<Provider, ProviderClient>>;
  readonly limits?: Partial<GateLimits>;
  readonly ratePerSecond?: Partial<Record<Provider, number>>;
  readonly patience?: HandlerOptions['patience'];
  readonly policy?: Partial<RetryPolicy>;
  readonly assumeNew?: boolean;
  readonly queue?: Partial<InProcessQueueOptions>;
  readonly observer?: Partial<WorkerObserver>;
  /** True: waits take no time. */
  readonly sleepless?: true;
  /** What several workers have in common. */
  readonly sharing?: Shared;
}

/** The parts that workers of one process share. */
export interface Shared extends Pick<HandlerOptions, 'cache' | 'flights' | 'gates' | 'pace' | 'credentials'> {
  readonly queue: InProcessQueue;
}

export type World = ReturnType<typeof openWorld>;

/** A worker with the real queue, cache, flights and gates of the embedded mode, over a ledger of the test's. */
export function openWorld(options: WorldOptions) {
  const limitsOf = (provider: Provider): GateLimits => ({
    ...defaultGateLimits,
    ratePerSecond: options.ratePerSecond?.[provider] ?? Number.POSITIVE_INFINITY,
    ...options.limits,
  });
  const limits = perProvider(limitsOf);
  const ratePerSecond = perProvider((provider) => limits[provider].ratePerSecond);
  const refused: string[] = [];
  const settled: { readonly taskId: string; readonly task: TaskState | null; readonly worked: boolean }[] =
    [];
  const started: string[] = [];
  const followUps: { readonly provider: Provider; readonly published: string }[] = [];
  const {
    queue = createInProcessQueue({
      capacity: { ready: 1000, waiting: 1000 },
      redeliveryDelayMs: 5,
      ...options.queue,
    }),
    cache = createMemoryCache({ ttlMs: perProvider(() => 3_600_000), bytesMax: 1_000_000 }),
    flights = createMemorySingleFlight<FlightValue>(),
    gates = createMemoryGates({ limits }),
    pace = createCallPace({ ratePerSecond }),
    credentials = createCredentials({
      now: Date.now,
      onRefused: (provider, message) => refused.push(`${provider}: ${message}`),
      onAccepted: (provider) => refused.push(`${provider} accepts`),
    }),
  }: Partial<Shared> = options.sharing ?? {};
  const stopping = new AbortController();
  const patience = options.patience ?? { requestMs: 200, followUpMs: 400 };
  const handle = createHandler({
    ledger: options.ledger,
    queue,
    cache,
    flights,
    gates,
    pace,
    credentials,
    clients: options.clients,
    intake: createIntake({
      gates,
      ratePerSecond,
      patienceMs: patience.requestMs,
      signal: stopping.signal,
    }),
    policy: { ...defaultRetryPolicy, ...options.policy },
    patience,
    now: Date.now,
    sleep: (ms) => sleep(options.sleepless === true ? 0 : ms, undefined, { signal: stopping.signal }),
    newId: randomId,
    random: () => 0,
    assumeNew: options.assumeNew ?? true,
    observer: {
      taskStarted: (taskId) => started.push(taskId),
      appended: () => undefined,
      followUpPublished: (provider, published) => followUps.push({ provider, published }),
      settled: (taskId, task, worked) => settled.push({ taskId, task, worked }),
      ...options.observer,
    },
  });
  return {
    queue,
    cache,
    flights,
    gates,
    pace,
    credentials,
    handle,
    refused,
    settled,
    started,
    followUps,
    stopping,
    /** One delivery, as a queue would make it. */
    deliver: (message: TaskMessage, redelivered = false) => handle({ message, redelivered }),
  };
}

export function perProvider<Value>(of: (provider: Provider) => Value): Record<Provider, Value> {
  return Object.fromEntries(providers.map((one) => [one, of(one)])) as Record<Provider, Value>;
}

let made = 0;

/** A track that no other test of this file has. */
export function newTrackId(): string {
  made += 1;
  return `t${made}`;
}

/** Requests for tracks of their own, so that their answers are not shared. */
export function requestOf(change: Partial<TaskRequest> = {}): TaskRequest {
  const trackId = change.trackId ?? newTrackId();
  return { ...plainRequest, trackId, artist: 'Copper Finch', title: `Small Weather ${trackId}`, ...change };
}

export function messageOf(
  request: TaskRequest,
  change: Partial<TaskMessage> & { readonly origin?: TaskOrigin } = {},
): TaskMessage {
  const { origin = { kind: 'request' }, ...rest } = change;
  const { priority } = request;
  const lane = laneOfPriority(priority);
  const body = encodeMessage(request, origin, null);
  return { id: randomId(), lane, priority, hop: 0, body, causationId: null, ...rest };
}

/** Takes what the queue gives until a message comes, at most for a while. */
export async function taken(world: World, withinMs = 1000): Promise<TaskMessage | null> {
  const ended = new AbortController();
  const coming = new Promise<TaskMessage>((resolve) => {
    const consumer = world.queue.consume(
      async ({ message }) => {
        resolve(message);
        void consumer.stop();
      },
      { lanes: ['real-time', 'backlog'], concurrency: 1 },
    );
    ended.signal.addEventListener('abort', () => void consumer.stop());
  });
  const late = sleep(withinMs, null, { signal: ended.signal }).catch(() => null);
  const message = await Promise.race([coming, late]);
  ended.abort();
  return message;
}

export async function until(holds: () => boolean | Promise<boolean>, withinMs = 5000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`It did not come to be within ${withinMs} ms.`);
    await sleep(5);
  }
}
