import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Started } from '../support/cli.ts';
import { type DistributedWorld, openDistributedWorld, stopWorker } from '../support/distributed.ts';
import { type PrivatePostgres, startPrivatePostgres } from '../support/private-postgres.ts';
import { describeWithRabbitmq } from '../support/services/vhost.ts';
import { expectFinishedOnce } from './finished-once.ts';

describeWithRabbitmq('the PostgreSQL that holds ledger and read models', () => {
  let postgres: PrivatePostgres;
  let world: DistributedWorld;
  beforeAll(async () => {
    postgres = await startPrivatePostgres();
    world = await openDistributedWorld({ tracks: 400, postgres: postgres.url });
    expect((await world.cli(['migrate']).ended).code).toBe(0);
  }, 120_000);
  afterAll(async () => {
    await world?.close();
    await postgres?.stop();
  });

  const enriched = async () => {
    const [row] = await world.database.query(
      `SELECT count(*)::int AS n FROM ledger.events WHERE type = 'Enriched'`,
    );
    return Number(row?.n);
  };
  const readiness = async (service: Started) => {
    const response = await fetch(`http://127.0.0.1:${await world.healthPort(service)}/readyz`);
    return `${response.status} ${await response.text()}`;
  };
  const patience = { timeout: 60_000, interval: 200 };

  it('is killed with SIGKILL twice amid work: each task is finished once, and the tables agree', async () => {
    const projector = world.cli(['projector']);
    const workers = [await world.worker(), await world.worker(['--queue', 'backlog'])];
    await projector.said('is running');
    const tasks = new Map<number, string>();
    for (const from of [0, 200]) {
      const before = await enriched();
      await Promise.all(
        Array.from({ length: 200 }, async (_, at) =>
          tasks.set(from + at, await world.publish(from + at, { priority: at % 11 })),
        ),
      );
      await expect.poll(enriched, { timeout: 30_000, interval: 10 }).toBeGreaterThan(before + 10);
      await postgres.kill();
      for (const service of [...workers, projector])
        await expect.poll(() => readiness(service), patience).toMatch(/^503 /);
      await sleep(1000);
      await postgres.start();
      for (const service of [...workers, projector])
        await expect.poll(() => readiness(service), patience).toMatch(/^200 /);
    }
    await world.drained(60_000);
    await expectFinishedOnce(world, tasks);
    const rows = () =>
      world.database.query(
        `SELECT count(*) FILTER (WHERE status = 'enriched')::int AS enriched, count(*)::int AS all FROM enrichment.tasks
          WHERE origin = 'request'`,
      );
    await expect.poll(rows, patience).toEqual([{ enriched: 400, all: 400 }]);
    const ended = await Promise.all([...workers, projector].map(stopWorker));
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0]);
  }, 300_000);

  it('is away when a worker or projector starts: one sentence says so', async () => {
    await postgres.kill();
    for (const command of ['worker', 'projector', 'migrate']) {
      const ended = await world.cli([command]).ended;
      expect(ended.code).toBe(1);
      expect(ended.stderr.trim().split('\n').at(-1)).toMatch(/Nothing listens at 127\.0\.0\.1:\d+/);
    }
    await postgres.start();
  }, 60_000);
});
