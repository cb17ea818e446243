import { afterAll, beforeAll, expect, it } from 'vitest';
import { stopMsMax } from '../../src/cli/service.ts';
import type { Started } from '../support/cli.ts';
import {
  type DistributedWorld,
  openDistributedWorld,
  realTimeQueue,
  stopWorker,
} from '../support/distributed.ts';
import { type Door, openDoor } from '../support/door.ts';
import { describeWithRabbitmq } from '../support/services/vhost.ts';
import { expectFinishedOnce } from './finished-once.ts';

/** Compose's `stop_grace_period`, after which it kills. */
const graceMs = 30_000;

describeWithRabbitmq('a worker that is told to stop while its work cannot end', () => {
  let world: DistributedWorld;
  let database: Door;
  beforeAll(async () => {
    world = await openDistributedWorld({ tracks: 10 });
    const { hostname, port } = new URL(world.database.url);
    database = await openDoor({ host: hostname, port: Number(port) });
  });
  afterAll(async () => {
    await world?.close();
    await database?.close();
  });

  /** A worker with tasks in hand whose appends have no answer. */
  async function stuck(
    tracks: readonly number[],
  ): Promise<{ readonly worker: Started; readonly tasks: ReadonlyMap<number, string> }> {
    const url = new URL(world.database.url);
    url.hostname = '127.0.0.1';
    url.port = String(database.port);
    const worker = await world.worker([], { LEDGER_URL: url.href });
    database.freeze();
    const tasks = new Map<number, string>();
    for (const n of tracks) tasks.set(n, await world.publish(n));
    await worker.said(tasks.get(tracks.at(-1) ?? 0) ?? '');
    return { worker, tasks };
  }

  /** Another worker finishes what the stuck one had in hand: what is left would be begun before the next is stuck. */
  async function finishedByTheNext(tasks: ReadonlyMap<number, string>): Promise<void> {
    database.mend();
    const next = await world.worker();
    await world.drained(60_000);
    await expectFinishedOnce(world, tasks);
    expect((await stopWorker(next)).code).toBe(0);
  }

  it('ends within its deadline, which the grace of compose fits, and the broker has every task again', async () => {
    const { worker, tasks } = await stuck([0, 1, 2]);
    const startedMs = performance.now();
    const ended = await stopWorker(worker);
    const tookMs = performance.now() - startedMs;
    expect(ended).toMatchObject({ code: 1, signal: null });
    expect(ended.stderr).toContain('did not stop within 25 s: what is in hand is delivered again');
    expect(tookMs).toBeGreaterThan(stopMsMax - 1000);
    expect(tookMs).toBeLessThan(graceMs);
    await expect
      .poll(() => world.vhost.depth(realTimeQueue), { timeout: 5000 })
      .toEqual({ ready: tasks.size, unacked: 0 });
    await finishedByTheNext(tasks);
  }, 150_000);

  it('ends at once at a second signal, and the broker has every task again', async () => {
    const { worker, tasks } = await stuck([3, 4]);
    worker.child.kill('SIGTERM');
    await worker.said('is stopping');
    const startedMs = performance.now();
    const ended = await stopWorker(worker);
    expect(ended).toMatchObject({ code: 1, signal: null });
    expect(performance.now() - startedMs).toBeLessThan(5000);
    await expect
      .poll(() => world.vhost.depth(realTimeQueue), { timeout: 5000 })
      .toEqual({ ready: tasks.size, unacked: 0 });
    await finishedByTheNext(tasks);
  }, 120_000);
});
