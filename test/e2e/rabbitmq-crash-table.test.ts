import { afterAll, beforeAll, expect, it } from 'vitest';
import { noFaults } from '../../src/providers/simulator/faults.ts';
import type { CrashPoint } from '../support/crash-point.ts';
import { type DistributedWorld, openDistributedWorld, stopWorker } from '../support/distributed.ts';
import { describeWithRabbitmq } from '../support/services/vhost.ts';
import { expectOneDelivery } from './one-delivery.ts';

const outageOf = (provider: 'musicbrainz' | 'all') => ({
  faults: { ...noFaults, outage: { fromSeconds: 0, toSeconds: 600, provider } },
});

type World = Parameters<DistributedWorld['changeProviders']>[0];

/** The rows of the crash table that a kill of the worker shows. */
const rows: readonly (readonly [row: string, point: CrashPoint, world: World, callsMax: number])[] = [
  ['parsing', { step: 'parsed' }, {}, 3],
  [
    'TaskReceived alone',
    { step: 'appended', holds: ['TaskReceived'], lacks: ['ApiCalled'] },
    { latencyMs: 1500 },
    3,
  ],
  ['a call was answered, not yet appended', { step: 'answered' }, {}, 6],
  ['an append was sent, its outcome unknown', { step: 'appending', holds: ['Enriched'] }, {}, 6],
  [
    'ApiCalled appended, cache not filled',
    { step: 'appended', holds: ['ApiCalled'], lacks: ['Enriched', 'Failed'] },
    { ...outageOf('musicbrainz'), latencyMs: 500 },
    9,
  ],
  ['Enriched appended', { step: 'appended', holds: ['Enriched'] }, {}, 3],
  ['Enriched appended, no follow-up published', { step: 'decided' }, outageOf('musicbrainz'), 9],
  [
    'Enriched appended, follow-ups published, not acknowledged',
    { step: 'published' },
    outageOf('musicbrainz'),
    9,
  ],
  ['Failed appended, next hop not published', { step: 'decided' }, outageOf('all'), 12],
  ['next hop published, not acknowledged', { step: 'published' }, outageOf('all'), 12],
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
});
