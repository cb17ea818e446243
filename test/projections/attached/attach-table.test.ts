import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachTable } from '../../../src/projections/attach-table.ts';
import {
  attachedColumns,
  attachedConstraints,
  attachedIndexes,
} from '../../../src/projections/attached-columns.ts';
import { syncAttached } from '../../../src/projections/attached-table.ts';
import { coverageSelectList } from '../../../src/projections/coverage.ts';
import { detachTable } from '../../../src/projections/detach-table.ts';
import { startCli } from '../../support/cli.ts';
import {
  type AttachWorld,
  describeTable,
  openAttachWorld,
  outOfStep,
  project,
  psql,
  psqlIsThere,
  putTrack,
  settle,
  valuesOf,
} from './world.ts';

let world: AttachWorld;
let projector: pg.Client;
beforeEach(async () => {
  world = await openAttachWorld();
  projector = await world.session('enrichment');
});
afterEach(() => world.drop());

const attach = (table = 'public.tracks', key = 'track_id') => attachTable({ url: world.url, table, key });
const detach = () => detachTable({ url: world.url });
const scraped = (columns = 'track_id text PRIMARY KEY, title text') =>
  world.query(`CREATE TABLE public.tracks (${columns})`);

describe('attaching a table', () => {
  it('adds what migration 008 promises, and gives the rows that exist their values', async () => {
    await scraped();
    await world.query(`INSERT INTO public.tracks VALUES ('known', 'a'), ('unknown', 'b')`);
    await project(projector, { known: valuesOf('8A'), elsewhere: valuesOf('9A') });
    expect(await attach()).toEqual({
      table: 'public.tracks',
      key: 'track_id',
      already: false,
      added: [...attachedColumns, ...attachedConstraints, ...attachedIndexes].map(({ name }) => name),
      rowsChanged: 1,
    });
    expect(await outOfStep(world)).toEqual([]);
    expect(await world.query('SELECT * FROM public.tracks ORDER BY 1')).toMatchObject([
      { track_id: 'known', title: 'a', camelot_key: '8A', enrichment_source_api: 'spotify' },
      { track_id: 'unknown', title: 'b', camelot_key: null, enrichment_source_api: null },
    ]);
    await expect(world.query(`UPDATE public.tracks SET camelot_key = '13A'`)).rejects.toThrow(
      /camelot_key_check/,
    );
    await expect(world.query('UPDATE public.tracks SET tempo_confidence = 1.5')).rejects.toThrow(
      /confidence_check/,
    );
  });

  it('may be repeated: then it brings in step what has gone out of it, and detaches once', async () => {
    await scraped();
    await world.query(`INSERT INTO public.tracks VALUES ('a'), ('b')`);
    await project(projector, { a: valuesOf('8A'), b: valuesOf('8A') });
    const before = await describeTable(world, 'public.tracks');
    await attach();
    await world.query(`UPDATE public.tracks SET camelot_key = '1A' WHERE track_id = 'a'`);
    expect(await attach()).toMatchObject({ already: true, added: [], rowsChanged: 1 });
    expect(await outOfStep(world)).toEqual([]);
    expect(await detach()).toBe('public.tracks');
    expect(await describeTable(world, 'public.tracks')).toEqual(before);
    expect(await detach()).toBeNull();
  });

  it('is undone by detaching: the table is what it was, also where it had some of it before', async () => {
    await scraped('id serial, track_id varchar(40) NOT NULL, camelot_key varchar(3), bpm int');
    await world.query('CREATE INDEX idx_tracks_camelot_key ON public.tracks (camelot_key, bpm)');
    await world.query(
      `ALTER TABLE public.tracks ADD CONSTRAINT tracks_camelot_key_check CHECK (camelot_key <> '')`,
    );
    await world.query(`INSERT INTO public.tracks (track_id) VALUES ('a')`);
    await project(projector, { a: valuesOf('8A') });
    const before = await describeTable(world, 'public.tracks');
    const said = psqlIsThere ? psql(world.url, ['-c', String.raw`\d public.tracks`]) : '';
    const { added } = await attach();
    expect(added).not.toContain('camelot_key');
    expect(added).not.toContain('tracks_camelot_key_check');
    expect(added).toContain('idx_tracks_enrichment_key');
    expect(await describeTable(world, 'public.tracks')).not.toEqual(before);
    await detach();
    expect(await describeTable(world, 'public.tracks')).toEqual(before);
    if (psqlIsThere) expect(psql(world.url, ['-c', String.raw`\d public.tracks`])).toBe(said);
    expect(await world.query('SELECT camelot_key FROM public.tracks')).toEqual([{ camelot_key: '8A' }]);
  });

  it.each([
    ['text', `'7'`],
    ['varchar(10)', `'7'`],
    ['char(10)', `'7'`],
    ['smallint', '7'],
    ['integer', '7'],
    ['bigint', '7'],
    ['uuid', `'00000000-0000-4000-8000-000000000007'`],
  ])('takes a key of type %s', async (type, value) => {
    await scraped(`track_id ${type} PRIMARY KEY`);
    const trackId = value.replaceAll(`'`, '');
    await world.query(`INSERT INTO public.tracks VALUES (${value})`);
    await project(projector, { [trackId]: valuesOf('8A'), other: valuesOf('9A') });
    await attach();
    expect(await outOfStep(world)).toEqual([]);
    await project(projector, { [trackId]: valuesOf('1A'), another: valuesOf('9A') });
    expect(await world.query('SELECT camelot_key FROM public.tracks')).toEqual([{ camelot_key: '1A' }]);
    await world.query('DELETE FROM public.tracks');
    await world.query(`INSERT INTO public.tracks VALUES (${value})`);
    expect(await world.query('SELECT camelot_key FROM public.tracks')).toEqual([{ camelot_key: '1A' }]);
  });

  it.each([
    ['My "Schema"', 'Tra cks', 'The "Key"'],
    ['select', `o'clock`, '$1'],
    ['a.b', 'c.d', String.raw`back\slash`],
    ['$$', '$body$', `'; DROP TABLE x; --`],
  ])('takes any name: %s . %s, %s', async (schema, table, key) => {
    const quoted = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`;
    const quotedKey = pg.escapeIdentifier(key);
    await world.query(`CREATE SCHEMA ${pg.escapeIdentifier(schema)}`);
    await world.query(`CREATE TABLE ${quoted} (${quotedKey} text)`);
    await world.query(`INSERT INTO ${quoted} VALUES ('a'), ('a'), (NULL)`);
    await project(projector, { a: valuesOf('8A') });
    const before = await describeTable(world, quoted);
    expect(await attach(quoted, quotedKey)).toMatchObject({ key, rowsChanged: 2 });
    await world.query(`INSERT INTO ${quoted} VALUES ('a'), (NULL), ('b')`);
    await project(projector, { a: valuesOf('9A'), b: valuesOf('10A') });
    expect(await outOfStep(world, quoted, quotedKey)).toEqual([]);
    const [coverage] = await world.query(
      `SELECT * FROM ${pg.escapeIdentifier(schema)}.enrichment_coverage_stats`,
    );
    expect(coverage).toMatchObject({ total: '6', enriched: '4' });
    await detach();
    expect(await describeTable(world, quoted)).toEqual(before);
  });

  it.each(['text', 'integer'])('finds rows by an index, also with a key of type %s', async (type) => {
    await scraped(`track_id ${type} PRIMARY KEY, title text`);
    await world.query(
      `INSERT INTO public.tracks SELECT n::${type}, repeat('x', 100) FROM generate_series(1, 20000) AS n`,
    );
    await world.query('ANALYZE public.tracks');
    await attach();
    await projector.query('BEGIN');
    await putTrack(projector, 'enrichment', '77', valuesOf('8A'));
    await syncAttached(projector, ['77', 'unknown']);
    const { rows } = await projector.query(
      `SELECT seq_scan, n_tup_upd FROM pg_stat_xact_user_tables WHERE schemaname = 'public' AND relname = 'tracks'`,
    );
    await projector.query('COMMIT');
    expect(rows).toEqual([{ seq_scan: '0', n_tup_upd: '1' }]);
  });

  it('fills a large table while scrapers go on with it', async () => {
    await scraped('id serial, track_id text PRIMARY KEY, title text');
    const rowsMax = 10_000;
    await world.query(
      `INSERT INTO public.tracks (track_id, title) SELECT n::text, repeat('x', 1000) FROM generate_series(1, ${rowsMax}) AS n`,
    );
    await world.query(
      `INSERT INTO enrichment.tracks (track_id, artist, title, status, attempts, left_out, enrichment_sources,
         provenance, stream_revision, updated_at, camelot_key)
       SELECT n::text, 'a', 't', 'pending', 0, '{}', '{}', '{}', 0, now(), '8A' FROM generate_series(1, ${rowsMax + 1000}) AS n`,
    );
    let attaching = true;
    const attached = attach().finally(() => {
      attaching = false;
    });
    const scraper = await world.session();
    for (let n = 1; attaching; n += 1) {
      await scraper.query('BEGIN');
      await scraper.query(`UPDATE public.tracks SET title = 'y' WHERE id % 97 = ${n % 97}`);
      if (n <= 1000)
        await scraper.query(`INSERT INTO public.tracks (track_id, title) VALUES ('${rowsMax + n}', 'z')`);
      await scraper.query('COMMIT');
    }
    expect((await attached).rowsChanged).toBeGreaterThan(0);
    while ((await settle(projector)) > 0);
    expect(await outOfStep(world)).toEqual([]);
  });

  it('folds names that are not quoted, as SQL does', async () => {
    await scraped();
    expect(await attach('Public.TRACKS', 'Track_ID')).toMatchObject({
      table: 'public.tracks',
      key: 'track_id',
    });
  });

  it.each([
    ['public.nothing', 'track_id', /There is no table public.nothing/],
    ['public.tracks', 'nothing', /has no column "nothing"/],
    ['tracks', 'track_id', /"tracks" is not a table with its schema/],
    ['public.tracks; --', 'track_id', /is not a table with its schema/],
    ['public.tracks', 'a.b', /is not the name of a column/],
    ['public.a_view', 'track_id', /not a plain table/],
    ['public.parted', 'track_id', /not a plain table/],
    ['public.parent', 'track_id', /not a plain table/],
    ['enrichment.tracks', 'track_id', /belongs to the read models/],
    ['public.tracks', 'made', /is timestamp with time zone: a key is text, an integer or a uuid/],
    [
      'public.other_type',
      'track_id',
      /column camelot_key already, and it is not a plain, nullable character varying\(3\)/,
    ],
    ['public.not_null', 'track_id', /not a plain, nullable/],
    ['public.index_taken', 'track_id', /public.idx_tracks_camelot_key exists and is no index of/],
    ['viewed.tracks', 'track_id', /enrichment_coverage_stats exists and is another one/],
    ['tabled.tracks', 'track_id', /enrichment_coverage_stats exists and is another one/],
    [
      'public.own_values',
      'track_id',
      /camelot_key of public.own_values holds values in 1 rows that the read model does not know/,
    ],
  ])('refuses %s by %s in one sentence, and changes nothing', async (table, key, sentence) => {
    await scraped('track_id text, made timestamptz');
    await world.query(`
      CREATE VIEW public.a_view AS SELECT * FROM public.tracks;
      CREATE TABLE public.parted (track_id text) PARTITION BY LIST (track_id);
      CREATE TABLE public.parent (track_id text);
      CREATE TABLE public.child () INHERITS (public.parent);
      CREATE TABLE public.other_type (track_id text, camelot_key text);
      CREATE TABLE public.not_null (track_id text, camelot_key varchar(3) NOT NULL);
      CREATE TABLE public.own_values (track_id text, camelot_key varchar(3));
      INSERT INTO public.own_values VALUES ('a', '8A'), ('b', '8A'), (NULL, '8A');
      CREATE TABLE public.bad_values (track_id text, camelot_key varchar(3));
      INSERT INTO public.bad_values VALUES ('a', 'x');
      CREATE TABLE public.index_taken (track_id text);
      CREATE SCHEMA viewed CREATE TABLE tracks (track_id text)
        CREATE VIEW enrichment_coverage_stats AS SELECT 1 AS n;
      CREATE SCHEMA tabled CREATE TABLE tracks (track_id text) CREATE TABLE enrichment_coverage_stats (n int)`);
    if (table === 'public.index_taken')
      await world.query('CREATE INDEX idx_tracks_camelot_key ON public.child (track_id)');
    await project(projector, { a: valuesOf('9A') });
    const before = await describeTable(world, 'public.tracks');
    await expect(attach(table, key)).rejects.toThrow(sentence);
    expect(await describeTable(world, 'public.tracks')).toEqual(before);
  });

  it('refuses a second table, and says which one is attached', async () => {
    await scraped();
    await world.query('CREATE TABLE public.others (track_id text)');
    await attach();
    await expect(attach('public.others')).rejects.toThrow(/public.tracks is attached already/);
  });

  it('refuses where there is no read model', async () => {
    await scraped();
    await world.query('DROP SCHEMA enrichment CASCADE');
    await expect(attach()).rejects.toThrow(/no enrichment.tracks yet: run "migrate" first/);
  });

  it('gives up on a table that somebody works with, within its time, and changes nothing', async () => {
    await scraped();
    const before = await describeTable(world, 'public.tracks');
    const reader = await world.session();
    await reader.query('BEGIN');
    await reader.query('SELECT FROM public.tracks');
    const startedMs = performance.now();
    await expect(attach()).rejects.toThrow(/in use and could not be locked within 5 s/);
    expect(performance.now() - startedMs).toBeLessThan(9000);
    await reader.query('COMMIT');
    expect(await describeTable(world, 'public.tracks')).toEqual(before);
    await attach();
  });

  it('refuses a role that does not own the table', async () => {
    await scraped();
    const role = `visitor_${process.pid}_${Math.trunc(performance.now())}`;
    await world.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
    try {
      await world.query(`GRANT USAGE ON SCHEMA enrichment TO ${role}`);
      await world.query(`GRANT SELECT ON enrichment.tracks TO ${role}`);
      const url = new URL(world.url);
      [url.username, url.password] = [role, 'x'];
      await expect(attachTable({ url: url.href, table: 'public.tracks', key: 'track_id' })).rejects.toThrow(
        /may not do this \(permission denied for table tracks\): use the one that owns the table/,
      );
    } finally {
      await world.query(`DROP OWNED BY ${role}`);
      await world.query(`DROP ROLE ${role}`);
    }
  });
});

describe('detaching', () => {
  it('puts back the view that stood there', async () => {
    await scraped('track_id text PRIMARY KEY, spotify_id text');
    await world.query(`INSERT INTO public.tracks VALUES ('a', 's')`);
    await world.query(
      `CREATE VIEW public.enrichment_coverage_stats AS SELECT ${coverageSelectList}
         FROM (SELECT spotify_id, NULL AS musicbrainz_id, NULL AS bpm, NULL AS energy, NULL AS danceability,
                      NULL AS valence, NULL::timestamptz AS enrichment_timestamp FROM public.tracks) AS t`,
    );
    const coverage = async () =>
      (await world.query('SELECT with_spotify FROM public.enrichment_coverage_stats'))[0];
    const before = await describeTable(world, 'public.tracks');
    await attach();
    expect(await coverage()).toEqual({ with_spotify: '0' });
    await detach();
    expect(await coverage()).toEqual({ with_spotify: '1' });
    expect(await describeTable(world, 'public.tracks')).toEqual(before);
  });

  it('says what depends on what would go, and changes nothing', async () => {
    await scraped();
    await attach();
    await world.query('CREATE VIEW public.mine AS SELECT camelot_key FROM public.tracks');
    const before = await describeTable(world, 'public.tracks');
    await expect(detach()).rejects.toThrow(
      /Something else depends .*view public.mine depends on column camelot_key/,
    );
    expect(await describeTable(world, 'public.tracks')).toEqual(before);
  });

  it('finds a table that was renamed, and takes leave of one that is gone', async () => {
    await scraped();
    const before = await describeTable(world, 'public.tracks');
    await attach();
    await world.query('ALTER TABLE public.tracks RENAME TO songs');
    expect(await detach()).toBe('public.songs');
    await world.query('ALTER TABLE public.songs RENAME TO tracks');
    expect(await describeTable(world, 'public.tracks')).toEqual(before);
    await attach();
    await world.query('DROP TABLE public.tracks');
    expect(await detach()).toBe('public.tracks');
    expect(await world.query(`SELECT to_regnamespace('enrichment_attach') AS schema`)).toEqual([
      { schema: null },
    ]);
  });
});

describe('the command migrate', () => {
  const migrate = (...args: string[]) =>
    startCli(['migrate', ...args], { environment: { DATABASE_URL: world.url } }).ended;

  it('attaches and detaches, and says what it did', async () => {
    await scraped();
    await world.query(`INSERT INTO public.tracks VALUES ('a')`);
    await project(projector, { a: valuesOf('8A') });
    const attached = await migrate('--attach', 'public.tracks', '--key', 'track_id');
    expect(attached, attached.stderr).toMatchObject({ code: 0 });
    expect(attached.stdout).toMatch(
      /public.tracks is attached: 1 row got values.*\nAdded: enrichment_timestamp, .*\n$/,
    );
    expect((await migrate('--attach', 'public.tracks', '--key', 'track_id')).stdout).toMatch(
      /was attached before; .*0 rows/,
    );
    expect(await migrate('--detach')).toMatchObject({
      code: 0,
      stdout: 'public.tracks is detached: what was added to it is gone.\n',
    });
    expect(await migrate('--detach')).toMatchObject({ code: 0, stdout: 'No table is attached.\n' });
  }, 60_000);

  it('explains in one sentence what it cannot do', async () => {
    expect(await migrate('--attach', 'public.tracks')).toMatchObject({
      code: 2,
      stderr: 'It takes --attach with --key, or --detach, or neither.\n',
    });
    expect(await migrate('--attach', 'public.tracks', '--key', 'track_id')).toMatchObject({
      code: 1,
      stderr: 'There is no table public.tracks in this database.\n',
    });
  }, 60_000);
});
