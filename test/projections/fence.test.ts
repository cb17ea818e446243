import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger, RecordedEvent } from '../../src/ledger/ledger.ts';
import { CheckpointMoved } from '../../src/projections/checkpoint.ts';
import { connect, liveSchema, nextSchema, proofSchema } from '../../src/projections/database.ts';
import { fill } from '../../src/projections/fill.ts';
import { openFollower } from '../../src/projections/follower.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { rollBack } from '../../src/projections/roll-back.ts';
import { makeShadow } from '../../src/projections/shadow.ts';
import { swapIn } from '../../src/projections/swap.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { runs, within } from '../support/runs.ts';
import { expectSame, expectTrue, replaceLive, storyOfTracks, withClient } from './made-live.ts';
import { memoryLedger } from './memory-ledger.ts';

const events = storyOfTracks(8);
const head = String(events.length);
const ledger = memoryLedger(events, { batch: 10, wholeStreams: true });
const { signal } = new AbortController();

let database: FreshDatabase;
let url = '';
beforeEach(async () => {
  database = await freshDatabase();
  url = database.url;
  await migrateProjections({ url });
});
afterEach(() => database.drop());

/** Brings in what comes after the checkpoint, up to an event. */
async function followTo(to: number): Promise<void> {
  await withClient(url, async (client) => {
    const follower = await openFollower(client, ledger, true);
    await follower.advance(events.slice(0, to), String(to));
  });
}

/** One that believes to be the active one, and opens the tables anew when it learns better. */
async function believer(
  all: readonly RecordedEvent[],
  from: Ledger,
  sizes: readonly number[],
): Promise<number> {
  let turnedAway = 0;
  for (let turn = 0; ; ) {
    const client = await connect(url);
    try {
      const follower = await openFollower(client, from, true);
      for (;;) {
        const at = Number(follower.checkpoint.position ?? '0');
        if (at >= all.length) return turnedAway;
        const to = Math.min(all.length, at + (sizes[turn++ % sizes.length] ?? 1));
        await follower.advance(all.slice(Math.max(0, at - 2), to), String(to));
      }
    } catch (error) {
      if (!(error instanceof CheckpointMoved)) throw error;
      turnedAway += 1;
    } finally {
      await client.end();
    }
  }
}

describe('projectors that all believe to be the active one', () => {
  it(
    'take every event once, together',
    async () => {
      await migrateProjections({ url, schema: proofSchema });
      await fill({ ledger, url, schema: proofSchema, upTo: head, signal });
      let turnedAway = 0;
      const anySizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 });
      await withClient(url, (client) =>
        fc.assert(
          fc.asyncProperty(fc.array(anySizes, { minLength: 2, maxLength: 3 }), async (each) => {
            await client.query('TRUNCATE tracks, tasks, metrics');
            await client.query('UPDATE projection_checkpoint SET position = NULL, epoch = epoch + 1');
            const times = await Promise.all(each.map((sizes) => believer(events, ledger, sizes)));
            for (const n of times) turnedAway += n;
            await expectSame(client);
          }),
          runs(12, 90_000),
        ),
      );
      // Else they were never in each other's way.
      expect(turnedAway).toBeGreaterThan(0);
    },
    within(120_000),
  );
});

/** Keeps a checkpoint locked until it is let go of. */
async function holding(schema: string): Promise<() => Promise<void>> {
  const holder = await connect(url);
  await holder.query('BEGIN');
  await holder.query(`SELECT FROM ${schema}.projection_checkpoint FOR UPDATE`);
  return () => holder.end();
}

/** Resolves when so many sessions wait for a lock. */
async function waiting(count: number): Promise<void> {
  for (let times = 0; times < 600; times++) {
    const [row] = await database.query(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
    );
    if (Number(row?.n) >= count) return;
    await sleep(50);
  }
  throw new Error(`There were never ${count} sessions waiting for a lock.`);
}

describe('a projector that has a batch in hand while other tables take the place of those it read', () => {
  it.each([
    ['of those that it is to catch up', 'rollback'],
    ['of empty ones', 'first rebuild'],
  ])('is turned away and writes nothing, in place %s (%s)', async (_, kind) => {
    const isRollback = kind === 'rollback';
    if (isRollback) {
      await followTo(10);
      await replaceLive(ledger, url);
      await followTo(25);
    } else {
      const quiet = { onProgress: () => undefined, fromScratch: true };
      await makeShadow({ ...quiet, ledger, url, schema: nextSchema, signal });
    }
    const client: pg.Client = await connect(url);
    const follower = await openFollower(client, ledger, true);
    // Keeps the swap from ending, when it has the live tables locked already.
    const letGo = await holding(isRollback ? 'enrichment_prev' : nextSchema);
    const swapped = isRollback ? rollBack(url) : swapIn({ ledger, url, signal });
    await waiting(1);
    const late = follower.advance(events.slice(0, 32), '32').then(
      () => 'written',
      (error: unknown) => error,
    );
    await waiting(2);
    await letGo();
    await swapped;
    expect(await late).toBeInstanceOf(CheckpointMoved);
    await client.end();
    await followTo(events.length);
    await expectTrue(ledger, url);
  });
});

describe('what a swap leaves', () => {
  it('when it was killed before it dropped the oldest tables does not stop the next one, nor a rollback', async () => {
    await followTo(10);
    for (let times = 0; times < 2; times++) {
      await database.query('CREATE SCHEMA enrichment_discarded CREATE TABLE left_behind (n int)');
      await replaceLive(ledger, url);
    }
    await database.query('CREATE SCHEMA enrichment_discarded');
    await rollBack(url);
    await rollBack(url);
    await followTo(events.length);
    await expectTrue(ledger, url);
    const rows = await database.query(
      `SELECT nspname FROM pg_namespace WHERE nspname LIKE 'enrichment%' ORDER BY 1`,
    );
    expect(rows.map(({ nspname }) => nspname)).toEqual([
      liveSchema,
      'enrichment_discarded',
      'enrichment_prev',
    ]);
  });
});
