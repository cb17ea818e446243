import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../src/projections/database.ts';
import { openFollower } from '../../src/projections/follower.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { OldSnapshots, waitForOldSnapshots } from '../../src/projections/old-snapshots.ts';
import { rollBack } from '../../src/projections/roll-back.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { replaceLive, storyOfTracks, withClient } from './made-live.ts';
import { memoryLedger } from './memory-ledger.ts';

const tracks = 40;
const events = storyOfTracks(tracks, 1);
const ledger = memoryLedger(events, { batch: 50, wholeStreams: true });

let database: FreshDatabase;
let url = '';
beforeEach(async () => {
  database = await freshDatabase();
  url = database.url;
  await migrateProjections({ url });
  await withClient(url, async (client) => {
    const follower = await openFollower(client, ledger, true);
    await follower.advance(events, String(events.length));
  });
  // So that whoever reads can tell the old rows from the new ones.
  await database.query(`UPDATE enrichment.tracks SET title = 'old'`);
  await database.query(`UPDATE enrichment.tasks SET title = 'old'`);
});
afterEach(() => database.drop());

const ofTracks = (table: string) =>
  `SELECT title = 'old' AS old, count(*)::int AS n FROM ${table} GROUP BY 1`;

/** What readers ask: by the schema's name and through the search_path, anew and prepared, of one table and of two. */
const questions: readonly (string | pg.QueryConfig)[] = [
  ofTracks('enrichment.tracks'),
  ofTracks('tracks'),
  { name: 'qualified', text: ofTracks('enrichment.tracks') },
  { name: 'unqualified', text: ofTracks('tracks') },
  { name: 'other', text: ofTracks('tasks') },
  { text: `${ofTracks('enrichment.tracks WHERE track_id <> $1')}`, values: ['none'] },
];

/** Wholly the old state or wholly the new one. */
function isWhole(rows: readonly { readonly n: number }[]): boolean {
  return rows.length === 1 && rows[0]?.n === tracks;
}

describe('readers', () => {
  it('find wholly the old rows or wholly the new ones, and no error, through a swap and many rollbacks', async () => {
    let swapping = true;
    const states = new Set<boolean>();
    const readers = questions.map(async (question) => {
      const client = new pg.Client({ connectionString: url, options: '-c search_path=public,enrichment' });
      await client.connect();
      try {
        let answers = 0;
        for (; swapping; answers++) {
          const { rows } = await client.query<{ old: boolean; n: number }>(question);
          expect(rows).toSatisfy(isWhole);
          states.add(rows[0]?.old === true);
        }
        return answers;
      } finally {
        await client.end();
      }
    });
    await replaceLive(ledger, url);
    for (let times = 0; times < 40; times++) await rollBack(url);
    swapping = false;
    for (const answers of await Promise.all(readers)) expect(answers).toBeGreaterThan(40);
    expect(states).toEqual(new Set([true, false]));
  }, 90_000);

  it('whose transaction began before the new tables were whole find the old ones until it has ended', async () => {
    const reader = await connect(url, 'enrichment');
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await reader.query('SELECT FROM metrics');
    const replaced = replaceLive(ledger, url);
    const isThere = async () => {
      const [row] = await database.query(
        `SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'enrichment_next' AND tablename = 'tracks'`,
      );
      return row?.n === 1;
    };
    await expect.poll(isThere, { timeout: 20_000, interval: 50 }).toBe(true);
    await sleep(1500);
    const { rows } = await reader.query<{ old: boolean; n: number }>(ofTracks('enrichment.tracks'));
    expect(rows).toEqual([{ old: true, n: tracks }]);
    await reader.query('COMMIT');
    await reader.end();
    expect((await replaced).isSwapped).toBe(true);
    expect(await database.query(ofTracks('enrichment.tracks'))).toEqual([{ old: false, n: tracks }]);
  }, 60_000);

  it('who go on for long are named in the sentence that refuses the swap; one without a snapshot is none', async () => {
    const [reader, idle, client] = [await connect(url), await connect(url), await connect(url)];
    await idle.query('BEGIN');
    await idle.query('SELECT FROM tracks');
    await waitForOldSnapshots(client, 500, new AbortController().signal);
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await reader.query('SELECT FROM tracks');
    const { rows } = await reader.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const refused = waitForOldSnapshots(client, 500, new AbortController().signal);
    await expect(refused).rejects.toThrow(OldSnapshots);
    await expect(refused).rejects.toThrow(new RegExp(`process ${rows[0]?.pid} `));
    await Promise.all([reader.end(), idle.end(), client.end()]);
  });
});
