import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type DistributedWorld, openDistributedWorld, stopWorker } from '../support/distributed.ts';
import { type Door, openDoor } from '../support/door.ts';
import { type PrivateRabbitmq, rabbitmqProgram, startPrivateRabbitmq } from '../support/services/rabbitmq.ts';
import { describeWithRabbitmq } from '../support/services/vhost.ts';
import { expectFinishedOnce } from './finished-once.ts';

/** A broker that may be killed has to be one's own. */
const ownBroker = inject('rabbitmqMissing') === null && rabbitmqProgram() !== null;

describeWithRabbitmq('real workers come through', () => {
  let broker: PrivateRabbitmq | null = null;
  let world: DistributedWorld;
  let database: Door;
  const fast = { API_INITIAL_DELAY: '1', API_MAX_DELAY: '1', API_MAX_RETRIES: '20' };
  beforeAll(async () => {
    if (ownBroker) broker = await startPrivateRabbitmq();
    world = await openDistributedWorld({ tracks: 400, ...(broker === null ? {} : { server: broker }) });
    const { hostname, port } = new URL(world.database.url);
    database = await openDoor({ host: hostname, port: Number(port) });
  }, 120_000);
  afterAll(async () => {
    await world.close();
    await database.close();
    await broker?.stop();
  });

  /** Workers that reach the ledger through something that can be cut. */
  const through = () => {
    const url = new URL(world.database.url);
    url.port = String(database.port);
    url.hostname = '127.0.0.1';
    return { ...fast, LEDGER_URL: url.href };
  };

  const publishAll = async (from: number, count: number) => {
    const tasks = new Map<number, string>();
    await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        const n = from + at;
        tasks.set(n, await world.publish(n, { priority: n % 11 }));
      }),
    );
    return tasks;
  };

  it('a ledger that is silent, then gone, then back: nothing is lost, and /readyz says so meanwhile', async () => {
    const worker = await world.worker([], through());
    const backlog = await world.worker(['--queue', 'backlog'], through());
    database.freeze();
    const tasks = await publishAll(0, 30);
    await sleep(1500);
    database.cut();
    const port = await world.healthPort(worker);
    const ready = async () => {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`);
      return `${response.status} ${await response.text()}`;
    };
    await expect.poll(ready, { timeout: 60_000, interval: 200 }).toMatch(/^503 .*ledger/i);
    database.mend();
    await expect.poll(ready, { timeout: 60_000, interval: 200 }).toMatch(/^200 /);
    await world.drained(60_000);
    await expectFinishedOnce(world, tasks);
    await Promise.all([worker, backlog].map(stopWorker));
  }, 120_000);

  it.skipIf(!ownBroker)(
    'a broker that is killed and comes back, under load',
    async () => {
      const workers = [await world.worker([], fast), await world.worker(['--queue', 'backlog'], fast)];
      const publishing = publishAll(100, 200);
      await sleep(300);
      await broker?.kill();
      await sleep(1000);
      await broker?.start();
      const tasks = await publishing;
      await world.drained(60_000);
      await expectFinishedOnce(world, tasks);
      const ended = await Promise.all(workers.map(stopWorker));
      expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    },
    150_000,
  );

  it('a message that no worker can read or work on does not stop the others', async () => {
    const worker = await world.worker([], fast);
    const { address } = world.vhost;
    const { connect } = await import('amqplib');
    const model = await connect({
      hostname: address.host,
      port: address.port,
      username: address.user,
      password: address.password,
      vhost: address.vhost,
    });
    const channel = await model.createConfirmChannel();
    for (const body of [
      '',
      'not json',
      '[]',
      '{"track_id":""}',
      'x'.repeat(70_000),
      '{"track_id":"a","artist":1,"title":null}',
    ]) {
      channel.sendToQueue('metadata_enrichment_queue', Buffer.from(body), { priority: 10 });
    }
    await channel.waitForConfirms();
    await model.close();
    const tasks = await publishAll(310, 10);
    const backlog = await world.worker(['--queue', 'backlog'], fast);
    await world.drained(30_000);
    await stopWorker(backlog);
    await expectFinishedOnce(world, tasks);
    const [counted] = await world.database.query(
      `SELECT count(*)::int AS n FROM ledger.events WHERE stream LIKE 'message-%' AND type = 'Failed'`,
    );
    expect(counted?.n).toBe(6);
    await stopWorker(worker);
  }, 60_000);

  it('SIGTERM: what is in hand is finished or handed back, and the process ends by itself with 0', async () => {
    await world.changeProviders({ latencyMs: 300 });
    const worker = await world.worker([], fast);
    const tasks = await publishAll(330, 60);
    await sleep(700);
    const startedMs = performance.now();
    const ended = await stopWorker(worker);
    expect(ended, ended.stderr.slice(-2000)).toMatchObject({ code: 0, signal: null });
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    await world.changeProviders({});
    const others = [await world.worker([], fast), await world.worker(['--queue', 'backlog'], fast)];
    await world.drained(60_000);
    await expectFinishedOnce(world, tasks);
    await Promise.all(others.map(stopWorker));
  }, 120_000);
});
