import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger, NewEvent } from '../../src/ledger/ledger.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { PointedAt } from '../../src/projections/pointed-at.ts';
import { startProjector } from '../../src/projections/projector.ts';
import { requestRelease } from '../../src/projections/quarantine-queries.ts';
import { NothingBefore, rollBack } from '../../src/projections/roll-back.ts';
import { openPostgresStorage, type PostgresStorage } from '../ledger/postgres-storage.ts';
import { caughtUpMsMax, expectTrue, project, replaceLive, storyOfTracks } from './made-live.ts';
import { poisons } from './poison.ts';

let storage: PostgresStorage;
let ledger: Ledger;
let url = '';
const query = (text: string, values?: readonly unknown[]) => storage.database.query(text, values);
beforeEach(async () => {
  storage = await openPostgresStorage();
  ledger = await storage.open();
  url = storage.database.url;
  await migrateProjections({ url });
});
afterEach(() => storage.drop());

const stories = storyOfTracks(40);
const newEvent = ({ id, type, data, metadata }: NewEvent): NewEvent => ({ id, type, data, metadata });

/** Appends the stories of these tracks, event by event. */
async function tell(from: number, to: number): Promise<void> {
  for (const event of stories) {
    const n = Number(event.stream.slice('track-'.length));
    if (n < from || n >= to) continue;
    const expected = event.revision === 0 ? 'no-stream' : event.revision - 1;
    await ledger.append(event.stream, expected, [newEvent(event)]);
  }
}

describe('swaps and rollbacks', () => {
  it('one after the other, with a projector running and appends going on, lose nothing and take nothing twice', async () => {
    const projector = startProjector({ ledger, url });
    await tell(0, 5);
    const telling = tell(5, 40);
    await replaceLive(ledger, url);
    await replaceLive(ledger, url);
    await rollBack(url);
    await rollBack(url);
    await rollBack(url);
    await replaceLive(ledger, url);
    await rollBack(url);
    await telling;
    await projector.waitUntilCaughtUp(caughtUpMsMax);
    await projector.stop();
    await expectTrue(ledger, url);
  }, 120_000);

  it('a rollback says when there is nothing to go back to', async () => {
    await expect(rollBack(url)).rejects.toThrow(NothingBefore);
  });
});

describe('what others made of the live tables', () => {
  beforeEach(async () => {
    await tell(0, 2);
    await project(ledger, url);
  });

  it('readers, owners and views of their own are there after a swap and after a rollback', async () => {
    const role = (name: string) => `${name}_${new URL(url).pathname.slice(1)}`;
    const [reader, owner] = [role('reader'), role('owner')];
    for (const one of [reader, owner]) await query(`CREATE ROLE ${one} LOGIN PASSWORD 'secret'`);
    try {
      for (const statement of [
        `ALTER SCHEMA enrichment OWNER TO ${owner}`,
        `ALTER TABLE enrichment.tasks OWNER TO ${owner}`,
        `GRANT USAGE ON SCHEMA enrichment TO ${reader}`,
        `GRANT SELECT ON enrichment.tracks, enrichment.dlq TO ${reader} WITH GRANT OPTION`,
        `GRANT SELECT (task_id, status) ON enrichment.tasks TO ${reader}`,
        `CREATE VIEW enrichment.rock AS SELECT track_id, genre FROM enrichment.tracks WHERE genre = 'rock'`,
        `CREATE VIEW enrichment.rocks WITH (security_barrier) AS SELECT count(*) AS count FROM enrichment.rock`,
        `GRANT SELECT ON enrichment.rocks TO ${reader}`,
      ]) {
        await query(statement);
      }
      const expectSameRights = async () => {
        const given = new URL(url);
        [given.username, given.password] = [reader, 'secret'];
        const client = new pg.Client({ connectionString: given.href });
        await client.connect();
        try {
          expect((await client.query('SELECT count(*)::int AS n FROM enrichment.tracks')).rows).toEqual([
            { n: 2 },
          ]);
          expect((await client.query('SELECT status FROM enrichment.tasks')).rows).toHaveLength(2);
          expect((await client.query('SELECT count::int AS n FROM enrichment.rocks')).rows).toEqual([
            { n: 2 },
          ]);
          await client.query('SELECT FROM enrichment.dlq');
          await expect(client.query('SELECT artist FROM enrichment.tasks')).rejects.toThrow(/denied/);
          await expect(client.query('SELECT FROM enrichment.metrics')).rejects.toThrow(/denied/);
        } finally {
          await client.end();
        }
        const [row] = await query(
          `SELECT pg_get_userbyid(relowner) AS tasks, (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'enrichment') AS schema,
                  has_table_privilege('${reader}', 'enrichment.tracks', 'SELECT WITH GRANT OPTION') AS grantable,
                  (SELECT reloptions FROM pg_class WHERE oid = 'enrichment.rocks'::regclass) AS options
             FROM pg_class WHERE oid = 'enrichment.tasks'::regclass`,
        );
        expect(row).toEqual({
          tasks: owner,
          schema: owner,
          grantable: true,
          options: ['security_barrier=true'],
        });
      };
      await expectSameRights();
      await replaceLive(ledger, url);
      await expectSameRights();
      await query(`CREATE VIEW enrichment.late AS SELECT * FROM enrichment.rocks`);
      await rollBack(url);
      await expectSameRights();
      expect(await query('SELECT count::int AS n FROM enrichment.late')).toEqual([{ n: 2 }]);
    } finally {
      for (const one of [reader, owner]) await query(`DROP OWNED BY ${one} CASCADE`);
      for (const one of [reader, owner]) await query(`DROP ROLE ${one}`);
    }
  });

  it.each([
    ['view', 'CREATE VIEW public.outside AS SELECT * FROM enrichment.tracks', /view public.outside/],
    [
      'materialized view',
      'CREATE MATERIALIZED VIEW public.outside AS SELECT * FROM enrichment.tasks',
      /view public.outside/,
    ],
    [
      'foreign key',
      'CREATE TABLE public.outside (id text REFERENCES enrichment.tracks)',
      /foreign key of public.outside/,
    ],
    [
      'function',
      'CREATE FUNCTION public.outside() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM enrichment.tracks; END',
      /function public.outside/,
    ],
    ['publication', 'CREATE PUBLICATION outside FOR TABLE enrichment.tracks', /publication outside/],
  ])(
    'a %s outside that points in refuses swap and rollback with a sentence, and nothing changes',
    async (_, create, said) => {
      await replaceLive(ledger, url);
      await query(create);
      const before = await query(`SELECT 'enrichment.tracks'::regclass::oid AS oid`);
      for (const attempt of [() => replaceLive(ledger, url), () => rollBack(url)]) {
        const error = await attempt().catch((one: unknown) => one);
        expect(error).toBeInstanceOf(PointedAt);
        expect(String(error)).toMatch(said);
        expect(String(error)).toMatch(/drop it first\.$/);
      }
      expect(await query(`SELECT 'enrichment.tracks'::regclass::oid AS oid`)).toEqual(before);
    },
  );

  it('a view that points at the previous tables is not dropped behind the back of whoever made it', async () => {
    await replaceLive(ledger, url);
    await query('CREATE VIEW public.old_tracks AS SELECT * FROM enrichment_prev.tracks');
    await expect(replaceLive(ledger, url)).rejects.toThrow(PointedAt);
    expect(await query('SELECT FROM public.old_tracks')).toHaveLength(2);
  });

  it('a view of their own that the new tables cannot bear refuses the swap with a sentence', async () => {
    await query('ALTER TABLE enrichment.tracks ADD COLUMN note text');
    await query('CREATE VIEW enrichment.notes AS SELECT note FROM enrichment.tracks');
    await expect(replaceLive(ledger, url)).rejects.toThrow(/"notes".*drop it first/);
    expect(await query('SELECT FROM enrichment.notes')).toHaveLength(2);
  });
});

describe('what operators said', () => {
  it('a pause holds after a swap and after a rollback, and so does its end', async () => {
    const pausedBy = async () =>
      (await query('SELECT paused_by FROM enrichment.projection_checkpoint'))[0]?.paused_by;
    await tell(0, 1);
    await project(ledger, url);
    await query(`UPDATE enrichment.projection_checkpoint SET paused_by = 'me', paused_at = now()`);
    await replaceLive(ledger, url);
    expect(await pausedBy()).toBe('me');
    await query('UPDATE enrichment.projection_checkpoint SET paused_by = NULL, paused_at = NULL');
    await rollBack(url);
    expect(await pausedBy()).toBeNull();
  });

  it('an event that was passed over is passed over by a rebuild, one under way, and after a rollback', async () => {
    const [poison] = stories.filter(({ stream, revision }) => stream === 'track-0' && revision === 3);
    if (poison === undefined) throw new Error('There is no such event.');
    await tell(1, 2);
    for (const event of stories.filter(({ stream }) => stream === 'track-0')) {
      const appended = event === poison ? poisons['outcome of no kind'](event) : event;
      const expected = event.revision === 0 ? 'no-stream' : event.revision - 1;
      await ledger.append(event.stream, expected, [newEvent(appended)]);
    }
    await project(ledger, url);
    // Both are parked at it: the tables that a rollback brings back as well.
    await replaceLive(ledger, url);
    const parked = () => query('SELECT read_model, stream, revision FROM enrichment.projection_quarantine');
    expect(await parked()).toEqual([{ read_model: 'metrics', stream: 'track-0', revision: 3 }]);
    const wanted = { request: 'skip', stream: 'track-0', readModel: null, by: 'me', why: 'no call' } as const;
    expect(await requestRelease(url, wanted)).toBe(1);
    const projector = startProjector({ ledger, url });
    const drained = async () => {
      await expect.poll(parked, { timeout: caughtUpMsMax, interval: 100 }).toEqual([]);
      expect(await query(`SELECT calls::int FROM enrichment.metrics WHERE provider = 'lastfm'`)).toEqual([
        { calls: 5 },
      ]);
    };
    await drained();
    await rollBack(url);
    await drained();
    await replaceLive(ledger, url);
    await drained();
    await projector.stop();
    await expectTrue(ledger, url);
  }, 60_000);
});
