import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, openEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import type { Ledger, RecordedEvent } from '../../src/ledger/ledger.ts';
import { openPostgresLedger } from '../../src/ledger/postgres.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { expectTrue, storyOfTracks, withClient } from '../projections/made-live.ts';
import { type Ended, type Started, startCli } from '../support/cli.ts';
import { randomFrom } from '../support/random.ts';

/** A server of its own, because it is killed. */
const folder = mkdtempSync(join(tmpdir(), 'enrichment-projector-'));
let server: EmbeddedPostgres;
let url = '';
let ledger: Ledger;
const processes = new Set<Started>();
beforeAll(async () => {
  chmodSync(folder, 0o755);
  server = await openEmbeddedPostgres({ dataDir: join(folder, 'data'), settings: { fsync: 'off' } });
  url = server.url;
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  for (const schema of ['ledger', 'enrichment', 'enrichment_next', 'enrichment_prev']) {
    await query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  }
  ledger = await openPostgresLedger({ url });
  await migrateProjections({ url });
});
afterEach(async () => {
  for (const { child } of processes) child.kill('SIGKILL');
  await Promise.all([...processes].map(({ ended }) => ended));
  processes.clear();
  await ledger.close();
});

const query = (text: string, values: readonly unknown[] = []) =>
  withClient(
    url,
    async (client) => (await client.query(text, [...values])).rows as Record<string, unknown>[],
  );

function start(...args: readonly string[]): Started {
  const environment = { LEDGER_URL: url, DATABASE_URL: url, LOG_LEVEL: 'info' };
  const started = startCli(args, { environment });
  processes.add(started);
  return started;
}

async function tell(from: number, to: number): Promise<void> {
  for (const { type, data, metadata, stream, revision } of storyOfTracks(to)) {
    if (Number(stream.slice('track-'.length)) < from) continue;
    const expected = revision === 0 ? 'no-stream' : revision - 1;
    await ledger.append(stream, expected, [{ id: randomUUID(), type, data, metadata }]);
  }
}

/** Resolves when the read models stand at the head. */
async function caughtUp(): Promise<void> {
  const head = await ledger.head();
  const position = async () =>
    (await query('SELECT position FROM enrichment.projection_checkpoint'))[0]?.position;
  await expect.poll(position, { timeout: 30_000, interval: 100 }).toBe(head);
}

describe('projectors as processes', () => {
  it('one stands by and takes over within seconds when the active one is killed, or its connection is cut', async () => {
    const first = start('projector');
    await first.said('the projector is following');
    const second = start('projector');
    await second.said('the projector is standing-by');
    await tell(0, 5);
    await caughtUp();
    first.child.kill('SIGKILL');
    const killedMs = performance.now();
    await second.said('the projector is following');
    expect(performance.now() - killedMs).toBeLessThan(15_000);
    const third = start('projector');
    await third.said('the projector is standing-by');
    await tell(5, 10);
    await query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND granted`,
      [0x70726f6a],
    );
    await tell(10, 15);
    await caughtUp();
    second.child.kill('SIGTERM');
    const { code }: Ended = await second.ended;
    expect(code).toBe(0);
    await tell(15, 20);
    await caughtUp();
    await expectTrue(ledger, url);
  }, 90_000);

  it('one comes through a database, with the ledger in it, that is killed again and again', async () => {
    const projector = start('projector');
    await projector.said('the projector is following');
    for (let times = 0; times < 3; times++) {
      const telling = tell(times * 10, times * 10 + 10);
      await sleep(100);
      await killDatabase();
      await telling;
    }
    await caughtUp();
    await expectTrue(ledger, url);
    projector.child.kill('SIGTERM');
    expect((await projector.ended).code).toBe(0);
  }, 120_000);
});

/** As a crash does: every session ends at once, and what was not in the log on disk is gone. */
async function killDatabase(): Promise<void> {
  const [row] = await query(`SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`);
  process.kill(Number(row?.pid), 'SIGKILL');
  const isBack = () =>
    query('SELECT 1').then(
      () => true,
      () => false,
    );
  await sleep(200);
  await expect.poll(isBack, { timeout: 60_000, interval: 200 }).toBe(true);
}

describe('a rebuild as a process', () => {
  it('that is killed at random, or whose database is, goes on and ends equal', async () => {
    const seed = Date.now() % 1_000_000;
    const random = randomFrom(seed);
    const events = storyOfTracks(8000);
    for (let at = 0; at < events.length; at += 5000) await insert(events.slice(at, at + 5000));
    await query('UPDATE ledger.head SET position = $1', [events.length]);
    const projector = start('projector');
    await caughtUp();
    let goneOn = 0;
    for (let times = 0; times < 4; times++) {
      const rebuild = start('projections', 'rebuild');
      const filling = async () =>
        (await query(`SELECT to_regclass('enrichment_next.projection_checkpoint') IS NOT NULL AS there`))[0]
          ?.there === true;
      await Promise.race([expect.poll(filling, { timeout: 60_000, interval: 20 }).toBe(true), rebuild.ended]);
      await sleep(random() * 2500);
      if (times === 3) await killDatabase();
      else rebuild.child.kill('SIGKILL');
      await rebuild.ended;
      const [next] = await query(
        `SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'enrichment_next' AND tablename = 'tracks'`,
      );
      if (next?.n === 1) goneOn += 1;
    }
    const last = await start('projections', 'rebuild').ended;
    expect(last.code, `seed ${seed}: ${last.stderr}`).toBe(0);
    expect(last.stdout).toContain('The new read models are live');
    expect(goneOn, `seed ${seed}: a kill that left something to go on with`).toBeGreaterThan(0);
    await caughtUp();
    await expectTrue(ledger, url);
    projector.child.kill('SIGTERM');
    expect((await projector.ended).code).toBe(0);
  }, 240_000);
});

async function insert(events: readonly RecordedEvent[]): Promise<void> {
  await query(
    `INSERT INTO ledger.events (position, stream, revision, id, type, data, metadata)
     SELECT position, stream, revision, id, type, data, metadata
       FROM json_populate_recordset(NULL::ledger.events, $1::json)`,
    [JSON.stringify(events)],
  );
}
