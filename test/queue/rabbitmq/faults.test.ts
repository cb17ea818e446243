import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, connect } from 'amqplib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DeadLetter, Delivery } from '../../../src/queue/queue.ts';
import { createRabbitmqQueue, type RabbitmqQueue } from '../../../src/queue/rabbitmq.ts';
import {
  createConnection,
  QueueUnavailable,
  type RabbitmqConnection,
} from '../../../src/queue/rabbitmq-connection.ts';
import { consumeQueue } from '../../../src/queue/rabbitmq-consuming.ts';
import { initTopology } from '../../../src/queue/rabbitmq-init.ts';
import { laneQueues, tierOf, waitExchange } from '../../../src/queue/topology.ts';
import { describeWithRabbitmq, openVhost, type Vhost } from '../../support/services/vhost.ts';
import { messageOf } from '../messages.ts';

const [realTime, backlog] = [laneQueues['real-time'], laneQueues.backlog];
const patience = { timeout: 15_000, interval: 20 };

describeWithRabbitmq('the queue on RabbitMQ survives', () => {
  let vhost: Vhost;
  let queue: RabbitmqQueue;
  let states: (string | null)[];
  beforeEach(async () => {
    vhost = await openVhost();
    await initTopology({ ...vhost, type: 'classic' });
    states = [];
    queue = createRabbitmqQueue({
      address: vhost.address,
      name: 'faults',
      redeliveryDelayMs: 20,
      settleMs: 2000,
      onState: (_, why) => states.push(why),
    });
  });
  afterEach(async () => {
    await queue.close();
    await vhost.drop();
  });

  const collect = (lanes: readonly ('real-time' | 'backlog')[] = ['real-time']) => {
    const came: Delivery[] = [];
    const consumer = queue.consume(async (delivery) => void came.push(delivery), { lanes, concurrency: 10 });
    return { came, consumer };
  };
  const began = () => expect.poll(() => states.at(-1), patience).toBeNull();

  /** A second connection, to do what a foreign client does. */
  async function foreign<Value>(
    work: (
      channel: Awaited<ReturnType<Awaited<ReturnType<typeof connect>>['createConfirmChannel']>>,
    ) => Promise<Value>,
  ): Promise<Value> {
    const { host: hostname, port, user: username, password, vhost: name } = vhost.address;
    const model = await connect({ hostname, port, username, password, vhost: name });
    const channel = await model.createConfirmChannel();
    try {
      return await work(channel);
    } finally {
      await model.close();
    }
  }

  it('every connection being closed by an operator: it publishes and consumes again', async () => {
    const { came } = collect();
    await began();
    await queue.publish(messageOf({ id: 'before' }));
    await expect.poll(() => came.length, patience).toBe(1);
    const mine = async () =>
      ((await vhost.api('GET', 'vhosts/%v/connections')) as { name: string }[]).map(({ name }) => name);
    await expect.poll(async () => (await mine()).length, patience).toBe(2);
    for (const name of await mine()) await vhost.api('DELETE', `connections/${encodeURIComponent(name)}`);
    expect(await queue.publish(messageOf({ id: 'after' }))).toBe('confirmed');
    await expect.poll(() => came.map(({ message }) => message.id), patience).toContain('after');
  });

  it('a channel that the broker closes, such as after a double acknowledgement: the consumer comes back by itself', async () => {
    const connection = createConnection(vhost.address, 'double');
    const channels: Channel[] = [];
    const watched: RabbitmqConnection = {
      ...connection,
      async channel() {
        const channel = await connection.channel();
        channels.push(channel);
        return channel;
      },
    };
    const came: string[] = [];
    const told: (string | null)[] = [];
    const consuming = consumeQueue(watched, {
      queue: realTime,
      prefetch: 1,
      restMs: 10,
      onState: (why) => told.push(why),
      async handle(message) {
        came.push(String(message.properties.messageId));
        // The consumer acknowledges it as well.
        if (came.length === 1) channels.at(-1)?.ack(message);
        return 'done';
      },
    });
    await queue.publish(messageOf({ id: 'first' }));
    await expect.poll(() => channels.length, patience).toBe(2);
    await queue.publish(messageOf({ id: 'second' }));
    await expect.poll(() => came, patience).toContain('second');
    expect(told[0]).toBeNull();
    expect(told[1]).toMatch(/PRECONDITION_FAILED.*unknown delivery tag/);
    expect(told.at(-1)).toBeNull();
    await consuming.stop();
    await connection.close();
  });

  it('its queue being deleted and made again', async () => {
    const { came } = collect();
    await began();
    await vhost.api('DELETE', `queues/%v/${realTime}`);
    await expect.poll(() => queue.faults(), patience).not.toEqual([]);
    await expect.poll(() => queue.faults().join(), patience).toContain('run "queue init"');
    await expect(queue.publish(messageOf())).rejects.toThrow(
      `RabbitMQ lacks the queue "${realTime}": run "queue init".`,
    );
    await initTopology({ ...vhost, type: 'classic' });
    await queue.publish(messageOf({ id: 'again' }));
    await expect.poll(() => came.map(({ message }) => message.id), patience).toEqual(['again']);
    await expect.poll(() => queue.faults(), patience).toEqual([]);
  });

  it('a full queue: it refuses, and drops nothing of what is there', async () => {
    await vhost.api('PUT', 'policies/%v/small', {
      pattern: `^${realTime}$`,
      definition: { 'max-length': 2, overflow: 'reject-publish' },
      'apply-to': 'queues',
      priority: 10,
    });
    await sleep(200);
    const results: string[] = [];
    for (const priority of [4, 4, 4, 10])
      results.push(await queue.publish(messageOf({ id: `${results.length}`, priority })));
    expect(results.slice(0, 2)).toEqual(['confirmed', 'confirmed']);
    expect(results.at(-1)).toBe('refused');
    const { came } = collect();
    const taken = results.filter((result) => result === 'confirmed').length;
    await expect.poll(() => came.length, patience).toBe(taken);
  });

  it('a target that is full when a wait ends: the message waits on and is not lost', async () => {
    const full = {
      pattern: `^${realTime}$`,
      definition: { 'max-length': 1, overflow: 'reject-publish' },
      'apply-to': 'queues',
      priority: 10,
    };
    await vhost.api('PUT', 'policies/%v/full', full);
    await sleep(200);
    while ((await queue.publish(messageOf({ id: 'filler' }))) === 'confirmed');
    expect(await queue.publish(messageOf({ id: 'waits', hop: 2, priority: 9 }), { delayMs: 200 })).toBe(
      'confirmed',
    );
    await sleep(1500);
    await vhost.api('DELETE', 'policies/%v/full');
    const { came } = collect();
    await expect
      .poll(() => came.find(({ message }) => message.id === 'waits')?.message, { timeout: 25_000 })
      .toMatchObject({
        hop: 2,
        priority: 9,
      });
  }, 40_000);

  it('a wait in several tiers: priority, hop and id stay, and it comes in time', async () => {
    const { came } = collect();
    await began();
    const startedMs = performance.now();
    await queue.publish(messageOf({ id: 'waits', hop: 3, priority: 8 }), { delayMs: 2300 });
    expect(tierOf(2300)).toEqual({ tierMs: 1000, expirationMs: 1000 });
    await expect.poll(() => came.length, patience).toBe(1);
    const waitedMs = performance.now() - startedMs;
    expect(waitedMs).toBeGreaterThanOrEqual(2250);
    expect(waitedMs).toBeLessThan(4500);
    expect(came[0]).toMatchObject({ message: { id: 'waits', hop: 3, priority: 8 }, redelivered: false });
  });

  it('a short wait that was asked for after a long one: it is not held up behind it', async () => {
    const { came } = collect();
    await began();
    const startedMs = performance.now();
    await queue.publish(messageOf({ id: 'long' }), { delayMs: 5000 });
    await queue.publish(messageOf({ id: 'short' }), { delayMs: 900 });
    await expect.poll(() => came.map(({ message }) => message.id), patience).toEqual(['short']);
    expect(performance.now() - startedMs).toBeLessThan(4000);
    await expect.poll(() => came.length, patience).toBe(2);
  });

  it('messages of foreign publishers: without id, priority or headers, or with odd ones', async () => {
    const { came } = collect(['backlog']);
    await foreign(async (channel) => {
      channel.sendToQueue(backlog, Buffer.from('{"a":1}'));
      channel.sendToQueue(backlog, Buffer.from([0xff, 0xfe]), {
        headers: { 'x-hop': 'three', 'x-causation-id': 7 },
        priority: 200,
        messageId: 'odd',
      });
      await channel.waitForConfirms();
    });
    await expect.poll(() => came.length, patience).toBe(2);
    expect(came.map(({ message }) => message)).toEqual([
      { id: '', lane: 'backlog', priority: 0, hop: 0, body: '{"a":1}', causationId: null },
      { id: 'odd', lane: 'backlog', priority: 10, hop: 0, body: '\ufffd\ufffd', causationId: null },
    ]);
  });

  it('an expired message: the guide keeps its copy, and the inbox hands it over with the reason', async () => {
    const letters: DeadLetter[] = [];
    await foreign(async (channel) => {
      channel.sendToQueue(backlog, Buffer.from('{}'), {
        messageId: 'old',
        expiration: 50,
        headers: { 'x-hop': 1 },
      });
      await channel.waitForConfirms();
    });
    queue.consumeDeadLetters(async (letter) => void letters.push(letter));
    await expect
      .poll(() => letters, patience)
      .toMatchObject([{ reason: 'expired', message: { id: 'old', lane: 'backlog', hop: 1 } }]);
    await expect.poll(() => vhost.depth('metadata_enrichment_dlq'), patience).toMatchObject({ ready: 1 });
  });

  it('an exchange of a wait that is missing: one sentence says what to do', async () => {
    await vhost.api('DELETE', `exchanges/%v/${waitExchange(1000)}`);
    await expect(queue.publish(messageOf(), { delayMs: 500 })).rejects.toBeInstanceOf(QueueUnavailable);
  });

  it('a stop hands back what is not begun, and acknowledges what is done', async () => {
    for (let n = 0; n < 20; n++) await queue.publish(messageOf({ id: `${n}` }));
    const done: string[] = [];
    const consumer = queue.consume(
      async ({ message }) => {
        await sleep(50);
        done.push(message.id);
      },
      { lanes: ['real-time'], concurrency: 5 },
    );
    await expect.poll(() => done.length, patience).toBeGreaterThan(0);
    await consumer.stop();
    const { came } = collect();
    await expect.poll(() => came.length + done.length, patience).toBe(20);
    expect(new Set([...done, ...came.map(({ message }) => message.id)]).size).toBe(20);
  });
});
