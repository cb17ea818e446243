import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TaskMessage } from '../../../src/queue/queue.ts';
import { createRabbitmqQueue, type RabbitmqQueue } from '../../../src/queue/rabbitmq.ts';
import { checkTopology, initTopology, neededByWorkers } from '../../../src/queue/rabbitmq-init.ts';
import { createManagement } from '../../../src/queue/rabbitmq-management.ts';
import { laneQueues, laneQueuesOf } from '../../../src/queue/topology.ts';
import { describeWithRabbitmq, openVhost, type Vhost } from '../../support/services/vhost.ts';

const queueName = 'my.tracks';

describeWithRabbitmq('a real-time queue of another name', () => {
  let vhost: Vhost;
  let queue: RabbitmqQueue;
  beforeAll(async () => {
    vhost = await openVhost();
    const address = { ...vhost.address, queueName };
    await initTopology({ ...vhost, address, type: 'classic' });
    queue = createRabbitmqQueue({ address, name: 'test' });
  });
  afterAll(async () => {
    await queue.close();
    await vhost.drop();
  });

  const messageOf = (id: string): TaskMessage => ({
    id,
    lane: 'real-time',
    priority: 5,
    hop: 0,
    body: '{}',
    causationId: null,
  });

  it('is made in place of the usual one, with its arguments and its policy', async () => {
    const { missing } = await checkTopology(vhost.address, neededByWorkers(laneQueuesOf({ queueName })));
    expect(missing).toEqual([]);
    const usual = await checkTopology(vhost.address, neededByWorkers());
    expect(usual.missing).toEqual([laneQueues['real-time']]);
    const management = createManagement({ url: vhost.managementUrl, ...vhost.address });
    await expect
      .poll(async () => (await management.queue(queueName))?.policy, { timeout: 5000 })
      .toMatchObject({ overflow: 'reject-publish' });
    expect((await management.queue(queueName))?.arguments).toMatchObject({ 'x-max-priority': 10 });
  });

  it('gets what is published, what had to wait, and what failed', async () => {
    const seen: string[] = [];
    await queue.publish(messageOf('at once'));
    await queue.publish(messageOf('after a wait'), { delayMs: 300 });
    await expect.poll(() => queue.depth(queueName)).toBeGreaterThan(0);
    const consumer = queue.consume(
      async ({ message }) => {
        seen.push(message.id);
        if (seen.length === 1) throw new Error('Once more.');
      },
      { lanes: ['real-time'], concurrency: 1 },
    );
    await expect
      .poll(() => seen.toSorted(), { timeout: 15_000 })
      .toEqual(['after a wait', 'at once', 'at once']);
    await consumer.stop();
  });
});
