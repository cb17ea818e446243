import fc from 'fast-check';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachTable } from '../../../src/projections/attach-table.ts';
import {
  insertedMax,
  syncAllAttached,
  syncAttached,
  syncInserted,
} from '../../../src/projections/attached-table.ts';
import { isAttached } from '../../../src/projections/attachment.ts';
import { detachTable } from '../../../src/projections/detach-table.ts';
import {
  type AttachWorld,
  anyValues,
  openAttachWorld,
  outOfStep,
  project,
  putTrack,
  settle,
  type Values,
  valuesOf,
} from './world.ts';

let world: AttachWorld;
let projector: pg.Client;
beforeEach(async () => {
  world = await openAttachWorld();
  projector = await world.session('enrichment');
  await world.query('CREATE TABLE public.tracks (id serial PRIMARY KEY, track_id text, title text)');
  await world.query('CREATE INDEX ON public.tracks (track_id)');
});
afterEach(() => world.drop());

const attach = () => attachTable({ url: world.url, table: 'public.tracks', key: 'track_id' });
const insert = (...trackIds: string[]) =>
  world.query('INSERT INTO public.tracks (track_id) SELECT unnest($1::text[])', [trackIds]);
/** Which version of each row there is. */
const versions = () => world.query('SELECT track_id, ctid, xmin FROM public.tracks ORDER BY id');
const camelotKeys = async () =>
  (await world.query('SELECT camelot_key AS key FROM public.tracks ORDER BY id')).map(({ key }) => key);
const logged = async () =>
  (await world.query('SELECT key FROM enrichment_attach.inserted ORDER BY id')).map(({ key }) => key);

describe('an attached table', () => {
  it('follows the projector within its transaction, also when a track is erased', async () => {
    await attach();
    await insert('a', 'b');
    await settle(projector);
    await projector.query('BEGIN');
    await putTrack(projector, 'enrichment', 'a', valuesOf('8A'));
    await syncAttached(projector, ['a']);
    expect(await camelotKeys()).toEqual([null, null]);
    await projector.query('COMMIT');
    expect(await camelotKeys()).toEqual(['8A', null]);
    await project(projector, { a: null });
    expect(await camelotKeys()).toEqual([null, null]);
  });

  it('touches no row that does not differ', async () => {
    await insert('a', 'b', 'c');
    await project(projector, { a: valuesOf('8A'), b: valuesOf('9A') });
    await attach();
    const before = await versions();
    await project(projector, { a: valuesOf('8A'), b: valuesOf('1B'), c: null });
    const after = await versions();
    expect([after[0], after[2]]).toEqual([before[0], before[2]]);
    expect(after[1]).not.toEqual(before[1]);
  });

  it('gives a row that comes later its values at insert, by INSERT, COPY or upsert', async () => {
    await project(projector, { a: valuesOf('8A') });
    await attach();
    const scraper = await world.session();
    await scraper.query('CREATE UNIQUE INDEX ON public.tracks (track_id)');
    const returning = await scraper.query(
      `INSERT INTO public.tracks (track_id) VALUES ('a'), ('b'), (NULL) RETURNING camelot_key`,
    );
    expect(returning.rows.map(({ camelot_key: key }) => key)).toEqual(['8A', null, null]);
    await project(projector, { b: valuesOf('9A'), c: valuesOf('10A') });
    await scraper.query(`COPY public.tracks (track_id) FROM PROGRAM 'echo c'`);
    await scraper.query(
      `INSERT INTO public.tracks (track_id) VALUES ('a'), ('b')
         ON CONFLICT (track_id) DO UPDATE SET title = excluded.track_id, camelot_key = excluded.camelot_key`,
    );
    expect(await camelotKeys()).toEqual(['8A', '9A', null, '10A']);
    expect(await outOfStep(world)).toEqual([]);
  });

  it('lets the scraper update and delete its rows as before', async () => {
    await insert('a', 'b');
    await project(projector, { a: valuesOf('8A') });
    await attach();
    await world.query(`UPDATE public.tracks SET title = 'new' WHERE track_id = 'a'`);
    await world.query(`DELETE FROM public.tracks WHERE track_id = 'b'`);
    expect(await world.query('SELECT title, camelot_key FROM public.tracks')).toEqual([
      { title: 'new', camelot_key: '8A' },
    ]);
  });

  it('takes inserts while there are no read models, and gets the values when they are back', async () => {
    await project(projector, { a: valuesOf('8A') });
    await attach();
    await world.query('ALTER SCHEMA enrichment RENAME TO away');
    await insert('a');
    expect(await camelotKeys()).toEqual([null]);
    await world.query('ALTER SCHEMA away RENAME TO enrichment');
    await settle(projector);
    expect(await camelotKeys()).toEqual(['8A']);
  });

  it('lets a role insert that may do nothing else', async () => {
    await project(projector, { a: valuesOf('8A') });
    await attach();
    const role = `scraper_${process.pid}_${Math.trunc(performance.now())}`;
    await world.query(`CREATE ROLE ${role}`);
    try {
      await world.query(`GRANT SELECT, INSERT ON public.tracks TO ${role}`);
      await world.query(`GRANT SELECT ON public.enrichment_coverage_stats TO ${role}`);
      await world.query(`GRANT USAGE ON SEQUENCE public.tracks_id_seq TO ${role}`);
      const scraper = await world.session();
      await scraper.query(`SET ROLE ${role}`);
      await scraper.query(`INSERT INTO public.tracks (track_id) VALUES ('a')`);
      const { rows } = await scraper.query('SELECT total, enriched FROM public.enrichment_coverage_stats');
      expect(rows).toEqual([{ total: '1', enriched: '1' }]);
      expect(await camelotKeys()).toEqual(['8A']);
    } finally {
      await world.query(`DROP OWNED BY ${role}`);
      await world.query(`DROP ROLE ${role}`);
    }
  });

  it('costs a look at the catalogue where nothing is attached, and knows at once when that changes', async () => {
    expect(await isAttached(projector)).toBe(false);
    await project(projector, { a: valuesOf('8A') });
    expect(await settle(projector)).toBe(0);
    await attach();
    expect(await isAttached(projector)).toBe(true);
    await detachTable({ url: world.url });
    expect(await isAttached(projector)).toBe(false);
    await project(projector, { a: valuesOf('9A') });
    expect(await syncAllAttached(projector, 'enrichment')).toBe(0);
  });

  it.each([
    [
      'DROP TABLE public.tracks',
      /public.tracks cannot be kept in step \(relation "public.tracks" does not exist\)/,
    ],
    [
      'ALTER TABLE public.tracks DROP camelot_key',
      /\(column f.camelot_key does not exist\).* or detach the table/,
    ],
    [`ALTER TABLE public.tracks ADD CHECK (camelot_key <> '9A')`, /\(new row .* violates check constraint/],
  ])('says why it cannot be kept in step: %s', async (harm, sentence) => {
    await insert('a');
    await attach();
    await world.query(harm);
    await expect(project(projector, { a: valuesOf('9A') })).rejects.toThrow(sentence);
  });

  it('says so to a projector whose role may not write it', async () => {
    await insert('a');
    await attach();
    const role = `projector_${process.pid}_${Math.trunc(performance.now())}`;
    await world.query(`CREATE ROLE ${role}`);
    try {
      await world.query(`GRANT ALL ON SCHEMA enrichment TO ${role}`);
      await world.query(`GRANT ALL ON ALL TABLES IN SCHEMA enrichment TO ${role}`);
      await projector.query(`SET ROLE ${role}`);
      await expect(project(projector, { a: valuesOf('9A') })).rejects.toThrow(
        /this database user may not write \(permission denied for schema enrichment_attach\)/,
      );
    } finally {
      await world.query(`DROP OWNED BY ${role}`);
      await world.query(`DROP ROLE ${role}`);
    }
  });
});

describe('what the projector and a scraper do at the same time', () => {
  it('a row inserted while the projector has not committed gets its values, and nobody waits', async () => {
    await attach();
    const scraper = await world.session();
    await scraper.query('BEGIN');
    await scraper.query(`INSERT INTO public.tracks (track_id) VALUES ('a')`);
    await project(projector, { a: valuesOf('8A') });
    await scraper.query('COMMIT');
    expect(await camelotKeys()).toEqual([null]);
    expect(await logged()).toEqual(['a']);
    expect(await settle(projector)).toBe(1);
    expect(await camelotKeys()).toEqual(['8A']);
    expect(await logged()).toEqual([]);
  });

  it('the same the other way round: the insert begins later and commits first', async () => {
    await attach();
    await projector.query('BEGIN');
    await putTrack(projector, 'enrichment', 'a', valuesOf('8A'));
    await syncAttached(projector, ['a']);
    await insert('a');
    await projector.query('COMMIT');
    expect(await camelotKeys()).toEqual([null]);
    await settle(projector);
    expect(await camelotKeys()).toEqual(['8A']);
  });

  it('a row that a scraper holds makes nobody wait, and follows when it is free', async () => {
    await insert('held', 'free');
    await attach();
    const scraper = await world.session();
    await scraper.query('BEGIN');
    await scraper.query(`UPDATE public.tracks SET title = 'x' WHERE track_id = 'held'`);
    await projector.query(`SET lock_timeout = '1s'`);
    await project(projector, { held: valuesOf('8A'), free: valuesOf('9A') });
    expect(await camelotKeys()).toEqual([null, '9A']);
    expect(await settle(projector)).toBe(0);
    expect(await logged()).toEqual(['held']);
    await scraper.query('COMMIT');
    expect(await settle(projector)).toBe(1);
    expect(await camelotKeys()).toEqual(['8A', '9A']);
    expect(await world.query(`SELECT title FROM public.tracks WHERE track_id = 'held'`)).toEqual([
      { title: 'x' },
    ]);
  });

  it('attaching sees what a projector has not committed yet', async () => {
    await insert('a');
    await projector.query('BEGIN');
    await putTrack(projector, 'enrichment', 'a', valuesOf('8A'));
    await syncAttached(projector, ['a']);
    const attaching = attach();
    const blocked = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database =
      (SELECT oid FROM pg_database WHERE datname = current_database())`;
    while ((await world.query(blocked)).length === 0);
    await projector.query('COMMIT');
    expect(await attaching).toMatchObject({ rowsChanged: 1 });
    expect(await outOfStep(world)).toEqual([]);
  });

  it('a projector that wrote before the attaching and looks after it misses nothing', async () => {
    await insert('a');
    await projector.query('BEGIN');
    await putTrack(projector, 'enrichment', 'a', valuesOf('8A'));
    await attach();
    await syncAttached(projector, ['a']);
    await projector.query('COMMIT');
    expect(await outOfStep(world)).toEqual([]);
  });

  it('the log is taken in bounded parts', async () => {
    await attach();
    await world.query(
      `INSERT INTO public.tracks (track_id) SELECT n::text FROM generate_series(1, 2500) AS n`,
    );
    expect([await settle(projector), await settle(projector), await settle(projector)]).toEqual([
      insertedMax,
      insertedMax,
      2500 - 2 * insertedMax,
    ]);
    expect(await settle(projector)).toBe(0);
  });
});

describe('a rebuild', () => {
  /** The tables of a new generation beside the live one. */
  const prepare = () =>
    world.query(`CREATE SCHEMA enrichment_next;
      CREATE TABLE enrichment_next.tracks (LIKE enrichment.tracks INCLUDING ALL);
      INSERT INTO enrichment_next.tracks SELECT * FROM enrichment.tracks`);
  const swap = async (client: pg.Client): Promise<number> => {
    await client.query('BEGIN');
    const changed = await syncAllAttached(client, 'enrichment_next');
    await client.query('ALTER SCHEMA enrichment RENAME TO enrichment_prev');
    await client.query('ALTER SCHEMA enrichment_next RENAME TO enrichment');
    await client.query('COMMIT');
    return changed;
  };
  const rollBack = async (client: pg.Client): Promise<number> => {
    await client.query('BEGIN');
    const changed = await syncAllAttached(client, 'enrichment_prev');
    await client.query('ALTER SCHEMA enrichment RENAME TO enrichment_failed');
    await client.query('ALTER SCHEMA enrichment_prev RENAME TO enrichment');
    await client.query('COMMIT');
    return changed;
  };

  it('touches only rows that differ, and so does the way back', async () => {
    await insert('same', 'other', 'gone', 'new');
    await project(projector, { same: valuesOf('8A'), other: valuesOf('8A'), gone: valuesOf('8A') });
    await attach();
    const before = await versions();
    await prepare();
    await putTrack(projector, 'enrichment_next', 'other', valuesOf('9A'));
    await putTrack(projector, 'enrichment_next', 'gone', null);
    await putTrack(projector, 'enrichment_next', 'new', valuesOf('1A'));
    expect(await swap(projector)).toBe(3);
    expect(await camelotKeys()).toEqual(['8A', '9A', null, '1A']);
    expect((await versions())[0]).toEqual(before[0]);
    expect(await outOfStep(world)).toEqual([]);
    expect(await rollBack(projector)).toBe(3);
    expect(await camelotKeys()).toEqual(['8A', '8A', '8A', null]);
    expect((await versions())[0]).toEqual(before[0]);
    expect(await outOfStep(world)).toEqual([]);
  });

  it('takes the triggers and the view along, also in sessions that were open all the time', async () => {
    await project(projector, { a: valuesOf('8A') });
    await attach();
    const scraper = await world.session();
    const inserted = async () => {
      const { rows } = await scraper.query(
        `INSERT INTO public.tracks (track_id) VALUES ('a') RETURNING camelot_key AS key`,
      );
      const stats = await scraper.query('SELECT enriched FROM public.enrichment_coverage_stats');
      return [rows[0]?.key, stats.rows[0]?.enriched];
    };
    // More often than it takes PostgreSQL to keep a plan.
    for (let n = 1; n <= 8; n += 1) expect(await inserted()).toEqual(['8A', String(n)]);
    await prepare();
    await putTrack(projector, 'enrichment_next', 'a', { ...valuesOf('9A'), enrichment_timestamp: null });
    await swap(await world.session());
    expect(await inserted()).toEqual(['9A', '0']);
    await world.query('DROP SCHEMA enrichment_prev CASCADE');
    expect(await inserted()).toEqual(['9A', '0']);
    expect(await settle(projector)).toBe(10);
    expect(await outOfStep(world)).toEqual([]);
  });

  it('loses no row that a scraper inserts or holds meanwhile', async () => {
    await insert('held');
    await project(projector, { held: valuesOf('8A'), late: valuesOf('8A') });
    await attach();
    await prepare();
    for (const trackId of ['held', 'late'])
      await putTrack(projector, 'enrichment_next', trackId, valuesOf('9A'));
    const scraper = await world.session();
    await scraper.query('BEGIN');
    await scraper.query(`UPDATE public.tracks SET title = 'x'`);
    await scraper.query(`INSERT INTO public.tracks (track_id) VALUES ('late')`);
    expect(await swap(projector)).toBe(0);
    await scraper.query('COMMIT');
    expect(await camelotKeys()).toEqual(['8A', '8A']);
    expect(await settle(projector)).toBe(2);
    expect(await outOfStep(world)).toEqual([]);
  });
});

/** What a scraper and the projector may do next. The projector waits for nobody, so any order goes. */
type Step =
  | { readonly kind: 'begin' | 'commit' | 'rollback' | 'open' | 'close' | 'settle' }
  | { readonly kind: 'insert' | 'update' | 'delete'; readonly trackId: string }
  | { readonly kind: 'project'; readonly trackId: string; readonly values: Values };

const anyTrackId = fc.constantFrom('a', 'b', 'c');
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('begin', 'commit', 'rollback', 'open', 'close', 'settle') }),
  fc.record({ kind: fc.constantFrom('insert', 'insert', 'update', 'delete'), trackId: anyTrackId }),
  fc.record({ kind: fc.constant('project'), trackId: anyTrackId, values: anyValues }),
  fc.record({ kind: fc.constant('project'), trackId: anyTrackId, values: anyValues }),
) as fc.Arbitrary<Step>;

describe('in the end', () => {
  it('every row has what the read model says, whatever scraper and projector did in whatever order', async () => {
    const scraper = await world.session();
    await attach();
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), async (steps) => {
        await scraper.query('TRUNCATE public.tracks, enrichment.tracks, enrichment_attach.inserted');
        const open = { scraper: false, projector: false };
        for (const step of steps) await take(step, scraper, open);
        if (open.projector) await projector.query('COMMIT');
        if (open.scraper) await scraper.query('COMMIT');
        while ((await settle(projector)) > 0);
        expect(await outOfStep(world)).toEqual([]);
        expect(await logged()).toEqual([]);
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  async function take(
    step: Step,
    scraper: pg.Client,
    open: { scraper: boolean; projector: boolean },
  ): Promise<void> {
    switch (step.kind) {
      case 'begin':
        if (!open.scraper) await scraper.query('BEGIN');
        open.scraper = true;
        return;
      case 'commit':
      case 'rollback':
        if (open.scraper) await scraper.query(step.kind);
        open.scraper = false;
        return;
      case 'open':
        if (!open.projector) await projector.query('BEGIN');
        open.projector = true;
        return;
      case 'close':
        if (open.projector) await projector.query('COMMIT');
        open.projector = false;
        return;
      case 'settle':
        await syncInserted(projector);
        return;
      case 'insert':
        await scraper.query('INSERT INTO public.tracks (track_id) VALUES ($1)', [step.trackId]);
        return;
      case 'update':
      case 'delete':
        // These may wait for rows that an open transaction of the projector has changed, as for any other writer.
        if (open.projector) return;
        await scraper.query(
          step.kind === 'update'
            ? `UPDATE public.tracks SET title = 'x' WHERE track_id = $1`
            : 'DELETE FROM public.tracks WHERE track_id = $1',
          [step.trackId],
        );
        return;
      case 'project':
        if (!open.projector) await projector.query('BEGIN');
        await putTrack(projector, 'enrichment', step.trackId, step.values);
        await syncAttached(projector, [step.trackId]);
        if (!open.projector) await projector.query('COMMIT');
        return;
      default:
        step satisfies never;
    }
  }
});
