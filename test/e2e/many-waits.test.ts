import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { noFaults } from '../../src/providers/simulator/faults.ts';
import {
  type DistributedWorld,
  openDistributedWorld,
  realTimeQueue,
  stopWorker,
} from '../support/distributed.ts';
import { describeWithRabbitmq } from '../support/services/vhost.ts';

describeWithRabbitmq('a message that waits many times', () => {
  let world: DistributedWorld;
  beforeAll(async () => {
    world = await openDistributedWorld({ tracks: 5 });
  });
  afterAll(() => world?.close());

  const fast = { API_INITIAL_DELAY: '1', API_MAX_DELAY: '1', API_MAX_RETRIES: '3' };
  const throttling = { faults: { ...noFaults, throttleShare: 1 } };
  const failing = { faults: { ...noFaults, errorShare: 1 } };
  const decisions = async () =>
    (await world.eventsOf(0))
      .filter(({ type }) => ['Deferred', 'Failed', 'Enriched'].includes(type))
      .map(({ type, data, metadata }) => ({ type, hop: metadata.hop, attempt: data.attempt }));
  const count = (type: string) => async () => (await decisions()).filter((one) => one.type === type).length;
  const patience = { timeout: 40_000, interval: 20 };

  /** The envelope of what comes back to the queue while nobody consumes it. */
  async function envelope() {
    const { host: hostname, port, user: username, password, vhost } = world.vhost.address;
    const model = await connect({ hostname, port, username, password, vhost });
    const channel = await model.createChannel();
    await expect.poll(() => world.vhost.depth(realTimeQueue), patience).toMatchObject({ ready: 1 });
    const message = await channel.get(realTimeQueue);
    await model.close();
    if (message === false) throw new Error('Nothing came back.');
    return message.properties;
  }

  it('keeps id, priority and attempts: deferrals are hops and no attempts, three failures are final', async () => {
    await world.changeProviders(throttling);
    let worker = await world.worker([], fast);
    const taskId = await world.publish(0, { priority: 9 });
    await expect.poll(count('Deferred'), patience).toBeGreaterThanOrEqual(2);
    await world.changeProviders(failing);
    await expect.poll(count('Failed'), patience).toBe(1);
    await stopWorker(worker);
    const { messageId, priority, headers, expiration } = await envelope();
    expect({ messageId, priority, expiration }).toEqual({ messageId: taskId, priority: 9 });
    // What the broker wrote of earlier waits is not carried on: brokers count on from it, or not.
    expect(headers?.['x-death']).toMatchObject([{ count: 1, reason: 'expired' }]);
    const decided = (await decisions()).length;
    expect(headers?.['x-hop']).toBe(decided);
    worker = await world.worker([], fast);
    await expect.poll(count('Failed'), patience).toBe(3);
    await world.drained(60_000);
    await stopWorker(worker);
    const all = await decisions();
    expect(all.map(({ hop }) => hop)).toEqual(all.map((_, hop) => hop));
    const failures = all.filter(({ type }) => type === 'Failed').map(({ attempt }) => attempt);
    expect(failures).toEqual([1, 2, 3]);
    expect(all.length).toBeGreaterThanOrEqual(5);
  }, 120_000);
});
