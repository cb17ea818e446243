import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { noFaults } from '../../src/providers/simulator/faults.ts';
import type { CrashPoint } from '../support/crash-point.ts';
import {
  type DistributedWorld,
  openDistributedWorld,
  realTimeQueue,
  stopWorker,
} from '../support/distributed.ts';
import { describeWithRabbitmq } from '../support/services/vhost.ts';
import { expectOneDelivery } from './one-delivery.ts';

const outageOf = (provider: 'musicbrainz' | 'all') => ({
  faults: { ...noFaults, outage: { fromSeconds: 0, toSeconds: 600, provider } },
});

type World = Parameters<DistributedWorld['changeProviders']>[0];

/**
 * The rows of the crash table that a kill of the worker shows, each with the most calls that its stream may hold. A
 * call that was never appended is in no stream, and one that was is not made again, so without an outage there are
 * three. A provider that is away is called twice a hop, and once more when it is back; of two equal messages that are
 * worked at once by one worker, the second follows the flights of the first.
 */
const rows: readonly (readonly [row: string, point: CrashPoint, world: World, callsMax: number])[] = [
  ['parsing', { step: 'parsed' }, {}, 3],
  [
    'TaskReceived alone',
    { step: 'appended', holds: ['TaskReceived'], lacks: ['ApiCalled'] },
    { latencyMs: 1500 },
    3,
  ],
  ['a call was answered, not yet appended', { step: 'answered' }, {}, 3],
  ['an append was sent, its outcome unknown', { step: 'appending', holds: ['Enriched'] }, {}, 3],
  [
    'ApiCalled appended, cache not filled',
    { step: 'appended', holds: ['ApiCalled'], lacks: ['Enriched', 'Failed'] },
    { ...outageOf('musicbrainz'), latencyMs: 500 },
    5,
  ],
  ['Enriched appended', { step: 'appended', holds: ['Enriched'] }, {}, 3],
  ['Enriched appended, no follow-up published', { step: 'decided' }, outageOf('musicbrainz'), 5],
  [
    'Enriched appended, follow-ups published, not acknowledged',
    { step: 'published' },
    outageOf('musicbrainz'),
    5,
  ],
  ['Failed appended, next hop not published', { step: 'decided' }, outageOf('all'), 9],
  ['next hop published, not acknowledged', { step: 'published' }, outageOf('all'), 9],
];

describeWithRabbitmq('a worker killed with SIGKILL leaves the stream as one delivery would', () => {
  let world: DistributedWorld;
  beforeAll(async () => {
    world = await openDistributedWorld({ tracks: rows.length });
  });
  afterAll(() => world.close());

  const fast = { API_INITIAL_DELAY: '1', API_MAX_DELAY: '1' };

  it.each(rows.map((row, n) => [...row, n] as const))(
    'after: %s',
    async (_, point, providers, callsMax, n) => {
      await world.changeProviders(providers);
      const doomed = world.module('test/support/crash-worker.ts', [JSON.stringify(point)], fast);
      await world.publish(n);
      const killed = await doomed.ended;
      expect(killed, killed.stderr).toMatchObject({ signal: 'SIGKILL' });
      await world.changeProviders({});
      const workers = [await world.worker([], fast), await world.worker(['--queue', 'backlog'], fast)];
      await world.drained(30_000);
      await Promise.all(workers.map(stopWorker));
      const events = await world.eventsOf(n);
      expectOneDelivery(events, callsMax);
      expect(events.some(({ type }) => type === 'Enriched')).toBe(true);
    },
    60_000,
  );

  /** Kills a worker at the point, lets another finish, and returns the facts of what the message came to. */
  async function cutOff(point: CrashPoint, send: () => Promise<unknown>, where: string) {
    const doomed = world.module('test/support/crash-worker.ts', [JSON.stringify(point)], fast);
    await send();
    const killed = await doomed.ended;
    expect(killed, killed.stderr).toMatchObject({ signal: 'SIGKILL' });
    const worker = await world.worker([], fast);
    await world.drained(30_000);
    await stopWorker(worker);
    return world.database.query(
      `SELECT type, data->>'reason' AS reason FROM ledger.events WHERE ${where} ORDER BY position`,
    );
  }

  async function foreign(queue: string, body: string, options: object = {}): Promise<void> {
    const { host: hostname, port, user: username, password, vhost } = world.vhost.address;
    const model = await connect({ hostname, port, username, password, vhost });
    const channel = await model.createConfirmChannel();
    channel.sendToQueue(queue, Buffer.from(body), options);
    await channel.waitForConfirms();
    await model.close();
  }

  it('after: unreadable, Failed appended, not acknowledged', async () => {
    const send = () => foreign(realTimeQueue, 'not json at all');
    const facts = await cutOff({ step: 'appended', holds: ['Failed'] }, send, "stream LIKE 'message-%'");
    expect(facts).toEqual([{ type: 'Failed', reason: 'unreadable' }]);
  }, 60_000);

  it('after: published again for its id, not acknowledged: a task more, none less', async () => {
    const send = () =>
      foreign(realTimeQueue, '{"track_id":"idless","artist":"Band 1","title":"Song number 1"}');
    const facts = await cutOff({ step: 'published' }, send, "stream = 'track-idless'");
    const enriched = facts.filter(({ type }) => type === 'Enriched').length;
    expect(enriched).toBe(2);
  }, 60_000);

  it('after: inbox, Failed appended, not acknowledged', async () => {
    const body = '{"track_id":"late","artist":"Band 1","title":"Song number 1"}';
    const send = async () => {
      // Not for the queue, where the doomed worker would work on it.
      await foreign('enrichment_dead_letter_inbox', body, {
        messageId: 'late-task',
        headers: { 'x-death': [{ queue: realTimeQueue, reason: 'expired', count: 1 }] },
      });
    };
    const facts = await cutOff({ step: 'appended', holds: ['Failed'] }, send, "stream = 'track-late'");
    expect(facts).toEqual([
      { type: 'TaskReceived', reason: null },
      { type: 'Failed', reason: 'expired' },
    ]);
  }, 60_000);
});
