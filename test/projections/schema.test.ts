import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

let database: FreshDatabase;
beforeEach(async () => {
  database = await freshDatabase();
});
afterEach(() => database.drop());

const migrate = () => migrateProjections({ url: database.url });

/** Names that users of the deployment guide depend on. */
const promised: Readonly<Record<string, string>> = {
  enrichment_timestamp: 'timestamp with time zone',
  enrichment_source_api: 'character varying(50)',
  source_data_version: 'character varying(100)',
  camelot_key: 'character varying(3)',
  tempo_confidence: 'numeric(3,2)',
  isrc: 'text',
  spotify_id: 'text',
  musicbrainz_id: 'text',
  lastfm_url: 'text',
  duration_ms: 'integer',
  bpm: 'double precision',
  key: 'text',
  energy: 'double precision',
  danceability: 'double precision',
  valence: 'double precision',
  release_date: 'text',
  genre: 'text',
  label: 'text',
  album: 'text',
  spotify_popularity: 'integer',
  lastfm_playcount: 'bigint',
  lastfm_listeners: 'bigint',
  enrichment_sources: 'text[]',
  provenance: 'jsonb',
};

describe('the schema of the read models', () => {
  it('has the promised columns of `tracks`, with their types', async () => {
    await migrate();
    const rows = await database.query(
      `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
        WHERE attrelid = 'enrichment.tracks'::regclass AND attnum > 0 AND NOT attisdropped`,
    );
    const types = Object.fromEntries(rows.map(({ name, type }) => [name, type]));
    expect(types).toMatchObject(promised);
  });

  it('has the promised indexes', async () => {
    await migrate();
    const rows = await database.query(`SELECT indexdef FROM pg_indexes WHERE schemaname = 'enrichment'`);
    const definitions = rows.map(({ indexdef }) => String(indexdef)).join('\n');
    expect(definitions).toMatch(/\(enrichment_timestamp DESC NULLS LAST\)/);
    expect(definitions).toMatch(/\(enrichment_source_api\) WHERE \(enrichment_source_api IS NOT NULL\)/);
    expect(definitions).toMatch(/\(enrichment_source_api, enrichment_timestamp\)/);
    expect(definitions).toMatch(/\(camelot_key\)/);
  });

  it.each([
    ['camelot_key', '13A', '12B'],
    ['camelot_key', '0A', '1A'],
    ['camelot_key', '8C', '8A'],
    ['tempo_confidence', '1.01', '1.00'],
    ['tempo_confidence', '-0.01', '0'],
    ['status', 'done', 'completed'],
  ])('refuses %s %s and takes %s', async (column, bad, good) => {
    await migrate();
    const insert = (value: string) => {
      const status = column === 'status' ? value : 'pending';
      const extra = column === 'status' ? ['', ''] : [`, ${column}`, `, '${value}'`];
      return database.query(
        `INSERT INTO enrichment.tracks (track_id, artist, title, status, attempts, left_out, enrichment_sources,
           provenance, stream_revision, updated_at ${extra[0]})
         VALUES (gen_random_uuid()::text, 'a', 't', '${status}', 0, '{}', '{}', '{}', 0, now() ${extra[1]})`,
      );
    };
    await expect(insert(bad)).rejects.toThrow(/violates check constraint/);
    await insert(good);
  });

  it('is made once, however often and however many at once it is asked for', async () => {
    await Promise.all(Array.from({ length: 5 }, migrate));
    await migrate();
    const [row] = await database.query('SELECT count(*)::int AS count FROM enrichment.schema_migrations');
    expect(row?.count).toBe(1);
  });

  it('leaves a `tracks` table of somebody else alone', async () => {
    await database.query('CREATE TABLE public.tracks (id int)');
    await database.query('INSERT INTO public.tracks VALUES (1)');
    await migrate();
    expect(await database.query('SELECT * FROM public.tracks')).toEqual([{ id: 1 }]);
  });
});
