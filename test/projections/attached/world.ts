import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import pg from 'pg';
import { attachedColumns } from '../../../src/projections/attached-columns.ts';
import { syncAttached, syncInserted } from '../../../src/projections/attached-table.ts';
import { migrateProjections } from '../../../src/projections/migrate.ts';
import { type FreshDatabase, freshDatabase } from '../../support/postgres.ts';

/** A database with the read models and sessions of scrapers and of a projector. */
export interface AttachWorld extends FreshDatabase {
  /** A session; with a schema, one whose unqualified names mean that one's tables, as the projector's do. */
  session(schema?: string): Promise<pg.Client>;
}

export async function openAttachWorld(): Promise<AttachWorld> {
  const database = await freshDatabase();
  await migrateProjections({ url: database.url });
  const sessions: pg.Client[] = [];
  return {
    ...database,
    async session(schema) {
      const options = schema === undefined ? {} : { options: `-c search_path=${schema}` };
      const client = new pg.Client({ connectionString: database.url, ...options });
      client.on('error', () => undefined);
      await client.connect();
      sessions.push(client);
      return client;
    },
    async drop() {
      await Promise.all(sessions.map((client) => client.end().catch(() => undefined)));
      await database.drop();
    },
  };
}

/** What the read model knows of a track, as far as it is copied; null: the track was erased. */
export type Values = {
  readonly enrichment_timestamp: string | null;
  readonly enrichment_source_api: string | null;
  readonly source_data_version: string | null;
  readonly camelot_key: string | null;
  readonly tempo_confidence: string | null;
} | null;

export const valuesOf = (camelotKey: string | null): NonNullable<Values> => ({
  enrichment_timestamp: '2026-01-02T03:04:05.678Z',
  enrichment_source_api: 'spotify',
  source_data_version: '1',
  camelot_key: camelotKey,
  tempo_confidence: '0.50',
});

export const anyValues: fc.Arbitrary<Values> = fc.option(
  fc.record({
    enrichment_timestamp: fc.option(fc.constantFrom('2026-01-02T03:04:05.678Z', '2024-01-01T00:00:00.000Z')),
    enrichment_source_api: fc.option(fc.constantFrom('spotify', 'lastfm')),
    source_data_version: fc.option(fc.constantFrom('1', '2')),
    camelot_key: fc.option(fc.constantFrom('8A', '12B')),
    tempo_confidence: fc.option(fc.constantFrom('0.50', '1.00')),
  }),
  { freq: 4 },
);

export const names = attachedColumns.map(({ name }) => name);

/** Writes a row of the read model. */
export async function putTrack(
  client: pg.ClientBase,
  schema: string,
  trackId: string,
  values: Values,
): Promise<void> {
  await client.query(`DELETE FROM ${schema}.tracks WHERE track_id = $1`, [trackId]);
  if (values === null) return;
  await client.query(
    `INSERT INTO ${schema}.tracks (track_id, artist, title, status, attempts, left_out, enrichment_sources, provenance,
       stream_revision, updated_at, ${names.join(', ')})
     VALUES ($1, 'a', 't', 'pending', 0, '{}', '{}', '{}', 0, now(), $2, $3, $4, $5, $6)`,
    [trackId, ...names.map((name) => values[name])],
  );
}

/** What the projector does with a batch, as one transaction. */
export async function project(
  client: pg.ClientBase,
  writes: Readonly<Record<string, Values>>,
): Promise<void> {
  await client.query('BEGIN');
  for (const [trackId, values] of Object.entries(writes))
    await putTrack(client, 'enrichment', trackId, values);
  await syncAttached(client, Object.keys(writes));
  await client.query('COMMIT');
  await settle(client);
}

/** Works the log off, as far as nobody holds what it names. */
export async function settle(client: pg.ClientBase): Promise<number> {
  await client.query('BEGIN');
  const settled = await syncInserted(client);
  await client.query('COMMIT');
  return settled;
}

/** The rows of a table that differ from the read model; all of them have to be in step. */
export function outOfStep(
  database: FreshDatabase,
  table = 'public.tracks',
  key = 'track_id',
): Promise<readonly Record<string, unknown>[]> {
  const of = (alias: string) => names.map((name) => `${alias}.${name}`).join(', ');
  return database.query(
    `SELECT f.${key} AS key, row(${of('f')})::text AS has, row(${of('t')})::text AS wanted
       FROM ${table} f LEFT JOIN enrichment.tracks t ON t.track_id = f.${key}::text
      WHERE (${of('f')}) IS DISTINCT FROM (${of('t')})`,
  );
}

export const psqlIsThere = spawnSync('psql', ['--version']).status === 0;

/** Runs the real psql; rejects with what it says where it fails. */
export function psql(url: string, args: readonly string[], searchPath?: string): string {
  const options = searchPath === undefined ? '' : `-c search_path=${searchPath}`;
  const { status, stdout, stderr } = spawnSync('psql', ['-X', '-v', 'ON_ERROR_STOP=1', url, ...args], {
    encoding: 'utf8',
    env: { ...process.env, PGOPTIONS: options },
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** All that the catalogue says about a table and its schema's relations, and what else is in the database. */
export async function describeTable(database: FreshDatabase, table: string): Promise<unknown> {
  const all = (text: string) => database.query(text, [table]);
  return {
    columns: await all(
      `SELECT attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid) FROM pg_attribute
         LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    ),
    constraints: await all(
      `SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass ORDER BY 1`,
    ),
    indexes: await all(
      `SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = $1::regclass ORDER BY 1`,
    ),
    triggers: await all(
      `SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = $1::regclass ORDER BY 1`,
    ),
    relations: await database.query(
      `SELECT relnamespace::regnamespace::text, relname, relkind, relacl::text, CASE relkind WHEN 'v' THEN pg_get_viewdef(oid) END
         FROM pg_class WHERE relnamespace::regnamespace::text !~ '^pg_|information_schema' ORDER BY 1, 2`,
    ),
    schemas: await database.query('SELECT nspname FROM pg_namespace ORDER BY 1'),
    functions: await database.query(
      `SELECT proname FROM pg_proc WHERE pronamespace::regnamespace::text !~ '^pg_|information_schema' ORDER BY 1`,
    ),
  };
}
