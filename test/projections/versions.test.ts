import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { OtherVersion } from '../../src/projections/checkpoint.ts';
import { openFollower } from '../../src/projections/follower.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { startProjector } from '../../src/projections/projector.ts';
import { rollBack } from '../../src/projections/roll-back.ts';
import { projectionVersion } from '../../src/projections/version.ts';
import { openPostgresStorage, type PostgresStorage } from '../ledger/postgres-storage.ts';
import { caughtUpMsMax, expectTrue, project, replaceLive, storyOfTracks, withClient } from './made-live.ts';
import { memoryLedger } from './memory-ledger.ts';

let storage: PostgresStorage;
let ledger: Ledger;
let url = '';
const query = (text: string, values?: readonly unknown[]) => storage.database.query(text, values);
beforeEach(async () => {
  storage = await openPostgresStorage();
  ledger = await storage.open();
  url = storage.database.url;
});
afterEach(() => storage.drop());

async function tell(count: number): Promise<void> {
  for (const { id, type, data, metadata, stream, revision } of storyOfTracks(count)) {
    const expected = revision === 0 ? 'no-stream' : revision - 1;
    await ledger.append(stream, expected, [{ id, type, data, metadata }]);
  }
}

const fileOf = (path: string) => new URL(`../../${path}`, import.meta.url);
const sha256 = (lines: readonly string[]) =>
  createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16);

/** What the kept events come to, and what the tables look like, by the version of the read models. Lines are added. */
const golden: Readonly<
  Record<number, { readonly shape: string; readonly rows: Readonly<Record<string, string>> }>
> = {
  2: {
    shape: '9adf1dc9d1c14e80',
    rows: { tracks: '2080f1113a101b8b', tasks: 'e4d96e2f839fc424', metrics: '6257d632aa2f13ae' },
  },
};

describe('the version of the read models', () => {
  it('is another one where their rows mean something else, or their tables look otherwise', async () => {
    await migrateProjections({ url });
    const samples = readFileSync(fileOf('test/fixtures/track-events.jsonl'), 'utf8').trimEnd().split('\n');
    const events = samples.map((line, at) => {
      const event = JSON.parse(line) as { id: string; type: string; data: object; metadata: object };
      // Each in a stream of its own, and all of them one after the other.
      return [`track-${at}`, 'track-all'].map((stream) => ({
        ...event,
        stream,
        revision: stream === 'track-all' ? at : 0,
      }));
    });
    const recorded = events.flat().map((event, at) => ({ ...event, position: String(at + 1) })) as never[];
    const rows: Record<string, string> = {};
    await withClient(url, async (client) => {
      const ledgerOfSamples = memoryLedger(recorded, { batch: 9, wholeStreams: true });
      const follower = await openFollower(client, ledgerOfSamples, true);
      await follower.advance(recorded, String(recorded.length));
      await client.query(`SET TimeZone = 'UTC'`);
      for (const table of ['tracks', 'tasks', 'metrics']) {
        const { rows: lines } = await client.query<{ line: string }>(
          `SELECT t::text AS line FROM ${table} AS t`,
        );
        rows[table] = sha256(lines.map(({ line }) => line).sort());
      }
    });
    const journal = JSON.parse(readFileSync(fileOf('migrations/meta/_journal.json'), 'utf8')) as {
      readonly entries: readonly { readonly tag: string }[];
    };
    const shape = sha256(
      journal.entries.map(({ tag }) => readFileSync(fileOf(`migrations/${tag}.sql`), 'utf8')),
    );
    expect({ shape, rows }, 'where this differs, the read models need another projectionVersion').toEqual(
      golden[projectionVersion],
    );
  });
});

/** The tables as they were before versions were told. */
async function makeFirstVersion(): Promise<void> {
  await query('CREATE SCHEMA enrichment');
  for (const statement of [
    `CREATE TABLE enrichment.projection_checkpoint (name text PRIMARY KEY, position text, epoch bigint NOT NULL)`,
    `CREATE TABLE enrichment.tracks (track_id text PRIMARY KEY, artist text NOT NULL, title text NOT NULL, old text)`,
    `INSERT INTO enrichment.tracks VALUES ('0', 'Band', 'Song 0', 'x'), ('gone', 'a', 'b', 'x')`,
  ]) {
    await query(statement);
  }
  await query(`INSERT INTO enrichment.projection_checkpoint VALUES ('tracks', $1, 7)`, [await ledger.head()]);
}

const firstVersion = async () =>
  query(
    'SELECT t::text, (SELECT c::text FROM enrichment.projection_checkpoint c) AS c FROM enrichment.tracks t',
  );

describe.each([
  [
    'one that this program does not know',
    async () => {
      await migrateProjections({ url });
      await query('UPDATE enrichment.projection_checkpoint SET version = 99');
    },
  ],
  ['the first one', makeFirstVersion],
])('tables of another version, %s,', (_, make) => {
  beforeEach(async () => {
    await tell(3);
    await make();
  });

  it('are left alone by migrate and by a projector, which say so, also while another one is active', async () => {
    const before = await firstVersion();
    await expect(migrateProjections({ url })).rejects.toThrow(OtherVersion);
    for (const isActive of [false, true]) {
      await withClient(url, async (active) => {
        if (isActive) await active.query('SELECT pg_advisory_lock($1)', [0x70726f6a]);
        const said: (string | null)[] = [];
        const projector = startProjector({ ledger, url, onState: (_state, why) => said.push(why) });
        await expect
          .poll(() => said.join(), { timeout: caughtUpMsMax })
          .toMatch(/of version \d+.*"projections rebuild"/);
        expect(projector.state).toBe('in-trouble');
        await projector.stop();
      });
    }
    expect(await firstVersion()).toEqual(before);
  });

  it('are replaced by a rebuild and come back with a rollback, each followed only by its own program', async () => {
    const before = await firstVersion();
    const { comparison, isSwapped } = await replaceLive(ledger, url);
    expect(isSwapped).toBe(true);
    expect(comparison === null || comparison.tables.length === 3).toBe(true);
    await project(ledger, url);
    await expectTrue(ledger, url);
    // The old program, which has the checkpoint of its own tables, may write it no more.
    const [kept] = await query('SELECT epoch::int AS epoch FROM enrichment_prev.projection_checkpoint');
    expect(kept?.epoch).toBeGreaterThan(0);
    await rollBack(url);
    const strip = (rows: readonly Record<string, unknown>[]) => rows.map(({ t }) => t);
    expect(strip(await firstVersion())).toEqual(strip(before));
    await rollBack(url);
    await project(ledger, url);
    await expectTrue(ledger, url);
  });
});
