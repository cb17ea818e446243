import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DistributedWorld, openDistributedWorld, stopWorker } from '../support/distributed.ts';
import { type Door, openDoor } from '../support/door.ts';
import { type PrivateRabbitmq, rabbitmqProgram, startPrivateRabbitmq } from '../support/services/rabbitmq.ts';
import { describeWithRabbitmq } from '../support/services/vhost.ts';
import { expectFinishedOnce } from './finished-once.ts';

/** The broker takes back what is unacknowledged for longer; it looks as often as its channels tick. */
const consumerTimeoutMs = 2000;

describeWithRabbitmq('the consumer timeout of the broker', () => {
  let broker: PrivateRabbitmq | null = null;
  let world: DistributedWorld | null = null;
  let database: Door;
  beforeAll(async () => {
    // Its settings cannot be changed on a broker that others use.
    if (rabbitmqProgram() === null) return;
    broker = await startPrivateRabbitmq({ consumer_timeout: consumerTimeoutMs, channel_tick_interval: 500 });
    world = await openDistributedWorld({ tracks: 10, server: broker });
    const { hostname, port } = new URL(world.database.url);
    database = await openDoor({ host: hostname, port: Number(port) });
  }, 120_000);
  afterAll(async () => {
    await world?.close();
    await database?.close();
    await broker?.stop();
  });

  const closed = /delivery acknowledgement on channel \d+ timed out/g;

  it('closes the channel of a worker whose calls take longer; it comes back, and the task is finished once', async (context) => {
    if (world === null) return context.skip();
    await world.changeProviders({ latencyMs: 4000 });
    const worker = await world.worker();
    const tasks = new Map([[0, await world.publish(0)]]);
    await worker.said('timed out');
    await world.drained(60_000);
    await world.changeProviders({});
    tasks.set(1, await world.publish(1));
    await world.drained(30_000);
    const ended = await stopWorker(worker);
    expect(ended.code).toBe(0);
    expect(ended.stderr.match(closed)?.length).toBeGreaterThanOrEqual(1);
    await expectFinishedOnce(world, tasks);
    const received = (await world.eventsOf(0)).filter(({ type }) => type === 'TaskReceived');
    expect(received.length).toBeGreaterThan(1);
  }, 120_000);

  it('takes back what a worker holds while the ledger is silent; then each is finished once', async (context) => {
    if (world === null) return context.skip();
    const url = new URL(world.database.url);
    url.hostname = '127.0.0.1';
    url.port = String(database.port);
    const worker = await world.worker([], { LEDGER_URL: url.href });
    database.freeze();
    const tasks = new Map<number, string>();
    for (const n of [2, 3, 4]) tasks.set(n, await world.publish(n));
    await worker.said('timed out');
    database.mend();
    await world.drained(90_000);
    await expectFinishedOnce(world, tasks);
    expect((await stopWorker(worker)).code).toBe(0);
  }, 150_000);
});
