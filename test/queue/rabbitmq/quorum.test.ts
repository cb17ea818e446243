import { connect } from 'amqplib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DeadLetter, Delivery } from '../../../src/queue/queue.ts';
import { createRabbitmqQueue, type RabbitmqQueue } from '../../../src/queue/rabbitmq.ts';
import { type InitReport, initTopology } from '../../../src/queue/rabbitmq-init.ts';
import { laneQueues } from '../../../src/queue/topology.ts';
import { describeWithRabbitmq, openVhost, type Vhost } from '../../support/services/vhost.ts';
import { messageOf } from '../messages.ts';

const patience = { timeout: 15_000, interval: 20 };

describeWithRabbitmq('quorum queues', () => {
  let vhost: Vhost;
  let queue: RabbitmqQueue;
  let report: InitReport;
  beforeEach(async () => {
    vhost = await openVhost();
    report = await initTopology({ ...vhost, type: 'quorum' });
    queue = createRabbitmqQueue({ address: vhost.address, name: 'quorum', redeliveryDelayMs: 20 });
  });
  afterEach(async () => {
    await queue.close();
    await vhost.drop();
  });

  const majorOf = (server: string) => Number(/ (\d+)\./.exec(server)?.[1]);

  it('give messages in the order that queue init tells: before 4, first in, first out', async (context) => {
    const [note = ''] = report.notes;
    expect(note).toMatch(/^Quorum queues of \S+ give messages /);
    // What later brokers do is told from their documentation.
    if (majorOf(report.server) > 3) return context.skip();
    expect(note).toContain('first in, first out');
    const priorities = [5, 10, 4, 7, 5, 10];
    for (const [n, priority] of priorities.entries())
      await queue.publish(messageOf({ id: `${n}`, priority }));
    const came: Delivery[] = [];
    queue.consume(async (delivery) => void came.push(delivery), { lanes: ['real-time'], concurrency: 1 });
    await expect.poll(() => came.length, patience).toBe(priorities.length);
    expect(came.map(({ message }) => [message.id, message.priority])).toEqual(
      priorities.map((priority, n) => [`${n}`, priority]),
    );
  });

  it('refuse ten priorities before RabbitMQ 4: that argument is for classic queues only', async (context) => {
    if (majorOf(report.server) > 3) return context.skip();
    const { host: hostname, port, user: username, password, vhost: name } = vhost.address;
    const model = await connect({ hostname, port, username, password, vhost: name });
    model.on('error', () => undefined);
    const channel = await model.createChannel();
    channel.on('error', () => undefined);
    const arguments_ = { 'x-queue-type': 'quorum', 'x-max-priority': 10 };
    await expect(channel.assertQueue('both', { durable: true, arguments: arguments_ })).rejects.toThrow(
      /PRECONDITION_FAILED.*x-max-priority/,
    );
    await model.close();
  });

  it('a delivery limit that an operator sets: what returns too often comes as a dead letter, with that reason', async () => {
    const limit = 2;
    await vhost.api('PUT', 'policies/%v/limit', {
      pattern: `^${laneQueues['real-time']}$`,
      definition: { 'delivery-limit': limit, overflow: 'reject-publish' },
      'apply-to': 'queues',
      priority: 10,
    });
    const flags: boolean[] = [];
    queue.consume(
      async ({ redelivered }) => {
        flags.push(redelivered);
        throw new Error('never');
      },
      { lanes: ['real-time'], concurrency: 1 },
    );
    const letters: DeadLetter[] = [];
    queue.consumeDeadLetters(async (letter) => void letters.push(letter));
    await queue.publish(messageOf({ id: 'hopeless', hop: 1, priority: 9 }));
    await expect
      .poll(() => letters, patience)
      .toMatchObject([{ reason: 'delivery_limit', message: { id: 'hopeless', hop: 1, lane: 'real-time' } }]);
    expect(flags).toEqual([false, true, true]);
  });

  it('without a limit of their own give innocent messages back as often as workers die with them', async () => {
    for (let n = 0; n < 3; n++) await queue.publish(messageOf({ id: `${n}` }));
    const { host: hostname, port, user: username, password, vhost: name } = vhost.address;
    for (let deaths = 0; deaths < 10; deaths++) {
      const model = await connect({ hostname, port, username, password, vhost: name });
      const channel = await model.createChannel();
      let held = 0;
      await channel.consume(laneQueues['real-time'], () => void held++);
      await expect.poll(() => held, patience).toBe(3);
      await model.close();
    }
    const came: Delivery[] = [];
    queue.consume(async (delivery) => void came.push(delivery), { lanes: ['real-time'], concurrency: 10 });
    await expect.poll(() => came.length, patience).toBe(3);
    expect(came.every(({ redelivered }) => redelivered)).toBe(true);
  });
});
