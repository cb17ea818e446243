import { randomUUID } from 'node:crypto';
import { type ChannelModel, connect } from 'amqplib';
import { laneQueues, topologyOf } from '../../src/queue/topology.ts';
import { bullmqQueue, loadBullmq } from './bullmq.ts';
import { type Child, startChild, startWorker } from './child.ts';
import { moduleArguments } from './code.ts';
import { inLanes } from './lanes.ts';
import type { Servers } from './servers.ts';
import { bodyOf } from './tracks.ts';

/** What takes tasks from a queue and finishes them: the worker, or one of its peers. */
export interface Side {
  readonly name: string;
  /** One for each process. */
  readonly children: readonly Child[];
  /** Puts so many tasks into its queue, for tracks that were never asked for. */
  publish(count: number): Promise<void>;
  /** How many tasks are in its queue and in nobody's hand. */
  waiting(): Promise<number>;
  /** The streams that it filled last. */
  readonly lastStreams: () => readonly string[];
  stop(): Promise<void>;
}

export const prefetch = 50;
const unconfirmed = 500;
const jobsPerCall = 500;

/** @param waitMs what each task waits before its append */
export async function startOurs(
  servers: Servers,
  { waitMs = 0, workers = 1, nodeFlags = [] as readonly string[] } = {},
): Promise<Side> {
  const module = waitMs > 0 ? { module: 'bench/workers/waiting-worker.ts' } : {};
  const more = { WAIT_MS: String(waitMs) };
  const starting = Array.from({ length: workers }, () =>
    startWorker(servers, { prefetch, nodeFlags, more, ...module }),
  );
  return onRabbitmq('cli worker', servers, laneQueues['real-time'], await Promise.all(starting));
}

export async function startBare(
  servers: Servers,
  { waitMs = 0, nodeFlags = [] as readonly string[] } = {},
): Promise<Side> {
  const queue = `bench_bare_${waitMs}`;
  const model = await modelOf(servers);
  const channel = await model.createChannel();
  const like = topologyOf('classic').queues.find(({ name }) => name === laneQueues['real-time']);
  await channel.assertQueue(queue, { durable: true, arguments: like?.arguments });
  await model.close();
  const more = { QUEUE: queue, WAIT_MS: String(waitMs) };
  const child = await startPeer(
    servers,
    [...nodeFlags, ...moduleArguments('bench/workers/bare-loop.ts')],
    more,
  );
  return onRabbitmq('bare loop', servers, queue, [child]);
}

export async function startBullmq(servers: Servers, waitMs = 0): Promise<Side> {
  const child = await startPeer(servers, moduleArguments('bench/workers/bullmq-loop.ts'), {
    WAIT_MS: String(waitMs),
  });
  const { Queue } = loadBullmq();
  const queue = new Queue(bullmqQueue, { connection: { host: '127.0.0.1', port: servers.ports.redis } });
  let streams: readonly string[] = [];
  return {
    name: 'BullMQ',
    children: [child],
    async publish(count) {
      const batch = randomUUID().slice(0, 8);
      streams = streamsOf(batch, count);
      for (let from = 0; from < count; from += jobsPerCall) {
        const jobs = Array.from({ length: Math.min(jobsPerCall, count - from) }, (_, at) => ({
          name: 'task',
          data: { body: bodyOf(`${batch}-${from + at}`, from + at) },
          opts: { jobId: randomUUID() },
        }));
        await queue.addBulk(jobs);
      }
    },
    waiting: () => queue.getWaitingCount(),
    lastStreams: () => streams,
    async stop() {
      await child.stop();
      await queue.close();
    },
  };
}

async function onRabbitmq(
  name: string,
  servers: Servers,
  queue: string,
  children: readonly Child[],
): Promise<Side> {
  const model = await modelOf(servers);
  const channel = await model.createConfirmChannel();
  let streams: readonly string[] = [];
  const publishOne = (trackId: string, n: number) =>
    new Promise<void>((done, failed) => {
      const properties = {
        persistent: true,
        messageId: randomUUID(),
        priority: 5,
        contentType: 'application/json',
        headers: { 'x-hop': 0 },
      };
      channel.publish('', queue, Buffer.from(bodyOf(trackId, n)), properties, (error) =>
        error ? failed(error as Error) : done(),
      );
    });
  return {
    name,
    children,
    async publish(count) {
      const batch = randomUUID().slice(0, 8);
      streams = streamsOf(batch, count);
      await inLanes(count, unconfirmed, (n) => publishOne(`${batch}-${n}`, n));
    },
    waiting: async () => (await channel.checkQueue(queue)).messageCount,
    lastStreams: () => streams,
    async stop() {
      await Promise.all(children.map((child) => child.stop()));
      await model.close();
    },
  };
}

async function startPeer(
  servers: Servers,
  args: readonly string[],
  more: Readonly<Record<string, string>>,
): Promise<Child> {
  const child = startChild(servers, args, { PREFETCH: String(prefetch), ...more });
  await child.said('is running');
  return child;
}

function streamsOf(batch: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `track-${batch}-${n}`);
}

function modelOf({ address: { host, port } }: Servers): Promise<ChannelModel> {
  return connect({ hostname: host, port });
}
