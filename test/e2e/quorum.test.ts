import { afterAll, beforeAll, expect, it } from 'vitest';
import { noFaults } from '../../src/providers/simulator/faults.ts';
import { type DistributedWorld, openDistributedWorld, stopWorker } from '../support/distributed.ts';
import { describeWithRabbitmq } from '../support/services/vhost.ts';
import { expectFinishedOnce } from './finished-once.ts';

describeWithRabbitmq('real workers on quorum queues', () => {
  let world: DistributedWorld;
  beforeAll(async () => {
    world = await openDistributedWorld({ tracks: 30, queueType: 'quorum' });
  });
  afterAll(() => world?.close());

  const fast = {
    API_INITIAL_DELAY: '1',
    API_MAX_DELAY: '1',
    API_MAX_RETRIES: '20',
    ENRICHMENT_QUEUE_TYPE: 'quorum',
  };
  const failedHops = async () => {
    const [row] = await world.database.query(
      `SELECT count(*)::int AS n FROM ledger.events WHERE type = 'Failed' AND data->>'final' = 'false'`,
    );
    return Number(row?.n);
  };

  it('finish every task once, across SIGKILL, retries and follow-ups', async () => {
    const init = await world.cli(['queue', 'init'], fast).ended;
    expect(init.code, init.stderr).toBe(0);
    expect(init.stdout).toMatch(/note: Quorum queues of \S+ give messages /);
    await world.changeProviders({
      latencyMs: 100,
      faults: { ...noFaults, outage: { fromSeconds: 0, toSeconds: 600, provider: 'all' } },
    });
    const doomed = await world.worker([], fast);
    const backlog = await world.worker(['--queue', 'backlog'], fast);
    const tasks = new Map<number, string>();
    for (let n = 0; n < 30; n++) tasks.set(n, await world.publish(n, { priority: n % 11 }));
    await doomed.said('Processing enrichment task');
    doomed.child.kill('SIGKILL');
    await doomed.ended;
    const worker = await world.worker([], fast);
    await expect.poll(failedHops, { timeout: 30_000 }).toBeGreaterThan(5);
    await world.changeProviders({});
    await world.drained(90_000);
    await expectFinishedOnce(world, tasks);
    expect((await Promise.all([worker, backlog].map(stopWorker))).map(({ code }) => code)).toEqual([0, 0]);
  }, 150_000);
});
