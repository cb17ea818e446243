import { join, resolve } from 'node:path';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachTable } from '../../../src/projections/attach-table.ts';
import { detachTable } from '../../../src/projections/detach-table.ts';
import { type AttachWorld, describeTable, openAttachWorld, psql, psqlIsThere } from './world.ts';

const migrations = resolve(import.meta.dirname, '../../../migrations');
const file = (direction: 'up' | 'down') =>
  join(migrations, `008_enrichment_metadata_fields_${direction}.sql`);

let world: AttachWorld;
beforeEach(async () => {
  world = await openAttachWorld();
});
afterEach(() => world.drop());

const apply = (direction: 'up' | 'down', searchPath: string) =>
  psql(world.url, ['-f', file(direction)], searchPath);
const describedIn = (schema: string) => psql(world.url, ['-c', String.raw`\d tracks`], schema);
/** The lines of `\d` that migration 008 is about. */
const promisedLines = (text: string) =>
  text
    .split('\n')
    .filter((line) =>
      /enrichment_(timestamp|source)(?!s)|source_data_version|camelot_key|tempo_confidence/.test(line),
    )
    .map((line) => line.replace(/\s+/g, ' '))
    .sort();
const viewColumns = (schema: string) =>
  world.query(
    `SELECT attname, atttypid::regtype::text FROM pg_attribute
      WHERE attrelid = '${schema}.enrichment_coverage_stats'::regclass ORDER BY attnum`,
  );

it('drizzle passes over the files of migration 008', () => {
  const known = readMigrationFiles({ migrationsFolder: migrations }).flatMap(({ sql }) => sql);
  expect(known.length).toBeGreaterThan(1);
  expect(known.join('')).not.toMatch(/enrichment_attach|DO \$migration/);
});

describe.skipIf(!psqlIsThere)('migration 008, applied by psql', () => {
  it('changes nothing in the read model, and may be repeated', async () => {
    const before = describedIn('enrichment');
    apply('up', 'enrichment');
    const once = await describeTable(world, 'enrichment.tracks');
    apply('up', 'enrichment');
    expect(await describeTable(world, 'enrichment.tracks')).toEqual(once);
    expect(describedIn('enrichment')).toBe(before);
    await world.query('SELECT * FROM enrichment.enrichment_coverage_stats');
  });

  it('leaves the view of the read model as it is', async () => {
    const before = await viewColumns('enrichment');
    apply('up', 'enrichment');
    expect(await viewColumns('enrichment')).toEqual(before);
  });

  it('gives a table with rows the same columns, constraints and indexes, which take every later update', async () => {
    await world.query('CREATE TABLE public.tracks (track_id text PRIMARY KEY, spotify_id text)');
    await world.query(`INSERT INTO public.tracks VALUES ('a', 's'), ('b', NULL)`);
    const before = await describeTable(world, 'public.tracks');
    apply('up', 'public');
    const once = await describeTable(world, 'public.tracks');
    apply('up', 'public');
    expect(await describeTable(world, 'public.tracks')).toEqual(once);
    expect(promisedLines(describedIn('public'))).toEqual(promisedLines(describedIn('enrichment')));
    expect(promisedLines(describedIn('public'))).toHaveLength(11);
    await world.query(
      `UPDATE public.tracks SET spotify_id = 'x', camelot_key = '8A', enrichment_timestamp = now()`,
    );
    await expect(world.query(`UPDATE public.tracks SET camelot_key = '13A'`)).rejects.toThrow(/check/);
    const [coverage] = await world.query('SELECT * FROM public.enrichment_coverage_stats');
    expect(coverage).toMatchObject({ total: '2', with_spotify: '2', with_bpm: '0', pct_enriched: '100.00' });
    apply('up', 'enrichment');
    expect(await viewColumns('public')).toEqual(await viewColumns('enrichment'));
    apply('down', 'public');
    apply('down', 'public');
    expect(await describeTable(world, 'public.tracks')).toEqual({
      ...(before as object),
      relations: expect.anything(),
    });
  });

  it('says in one sentence that there is no table, or that a column is of another type', async () => {
    expect(() => apply('up', 'public')).toThrow(
      /ERROR: {2}There is no table "tracks" in the search_path \(public\)\.\nHINT: {2}Make the read models with "migrate"/,
    );
    expect(() => apply('down', 'public')).toThrow(/There is no table "tracks"/);
    await world.query('CREATE VIEW public.tracks AS SELECT 1 AS n');
    expect(() => apply('up', 'public')).toThrow(/There is no table "tracks"/);
    await world.query('DROP VIEW public.tracks; CREATE TABLE public.tracks (camelot_key text)');
    const before = await describeTable(world, 'public.tracks');
    expect(() => apply('up', 'public')).toThrow(/camelot_key of tracks is text, not character varying\(3\)/);
    expect(await describeTable(world, 'public.tracks')).toEqual(before);
  });

  it('changes nothing in an attached table; attaching after it takes away only what it added itself', async () => {
    await world.query('CREATE TABLE public.tracks (track_id text PRIMARY KEY)');
    const attach = () => attachTable({ url: world.url, table: 'public.tracks', key: 'track_id' });
    await attach();
    const attached = await describeTable(world, 'public.tracks');
    apply('up', 'public');
    expect(await describeTable(world, 'public.tracks')).toEqual(attached);
    expect(() => apply('down', 'public')).toThrow(
      /tracks is attached\.\nHINT: {2}Detach it with "migrate --detach"/,
    );
    await detachTable({ url: world.url });
    apply('up', 'public');
    const before = await describeTable(world, 'public.tracks');
    expect(await attach()).toMatchObject({ added: [] });
    await detachTable({ url: world.url });
    expect(await describeTable(world, 'public.tracks')).toEqual(before);
  });

  it('is not taken away from the read model', () => {
    expect(() => apply('down', 'enrichment')).toThrow(/is the read model, which cannot do without/);
  });
});
