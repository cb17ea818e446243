import { drizzle } from 'drizzle-orm/node-postgres';
import { getViewConfig, PgDialect } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachTable } from '../../../src/projections/attach-table.ts';
import { coverageStats } from '../../../src/projections/coverage.ts';
import { type AttachWorld, openAttachWorld, putTrack, settle, valuesOf } from './world.ts';

let world: AttachWorld;
let projector: pg.Client;
beforeEach(async () => {
  world = await openAttachWorld();
  projector = await world.session('enrichment');
  const { query } = getViewConfig(coverageStats);
  if (query === undefined) throw new Error('The view has no query.');
  await projector.query(
    `CREATE OR REPLACE VIEW enrichment_coverage_stats AS ${new PgDialect().sqlToQuery(query).sql}`,
  );
});
afterEach(() => world.drop());

const read = async (client: pg.Client) => (await drizzle(client).select().from(coverageStats))[0];
const none = { withSpotify: 0, withMusicbrainz: 0, withBpm: 0, withAudioFeatures: 0 };

/** A track that was enriched so many days and a little ago. */
async function enrichedDaysAgo(trackId: string, days: number): Promise<void> {
  const at = new Date(Date.now() - days * 24 * 3600 * 1000 - 60_000).toISOString();
  await putTrack(projector, 'enrichment', trackId, { ...valuesOf('8A'), enrichment_timestamp: at });
}

describe('the coverage of the tracks', () => {
  it('counts what is there: audio features only where all three are', async () => {
    for (const trackId of ['a', 'b', 'c']) await enrichedDaysAgo(trackId, 0);
    await projector.query(`UPDATE tracks SET spotify_id = 's', bpm = 120 WHERE track_id IN ('a', 'b')`);
    await projector.query(
      `UPDATE tracks SET musicbrainz_id = 'm', energy = 0.5, valence = 0 WHERE track_id = 'a'`,
    );
    expect(await read(projector)).toMatchObject({
      ...none,
      total: 3,
      withSpotify: 2,
      withMusicbrainz: 1,
      withBpm: 2,
      pctSpotify: 66.67,
      pctMusicbrainz: 33.33,
      pctAudioFeatures: 0,
    });
    await projector.query(`UPDATE tracks SET danceability = 1 WHERE track_id = 'a'`);
    expect(await read(projector)).toMatchObject({ withAudioFeatures: 1, pctAudioFeatures: 33.33 });
  });

  it('follows the clock: stale is what was enriched more than 30 or 90 days ago', async () => {
    for (const days of [0, 29, 30, 89, 90]) await enrichedDaysAgo(`t${days}`, days);
    await putTrack(projector, 'enrichment', 'never', { ...valuesOf(null), enrichment_timestamp: null });
    expect(await read(projector)).toMatchObject({
      total: 6,
      enriched: 5,
      stale30d: 3,
      stale90d: 1,
      pctEnriched: 83.33,
      pctStale30d: 50,
      pctStale90d: 16.67,
    });
  });

  it('has no percentages where there is no track', async () => {
    expect(await read(projector)).toMatchObject({ ...none, total: 0, pctEnriched: null });
  });

  it('is over the rows of the attached table where one is, in the same columns', async () => {
    await world.query('CREATE TABLE public.tracks (track_id text)');
    await attachTable({ url: world.url, table: 'public.tracks', key: 'track_id' });
    await enrichedDaysAgo('a', 31);
    await enrichedDaysAgo('elsewhere', 0);
    await projector.query(`UPDATE tracks SET spotify_id = 's'`);
    await world.query(`INSERT INTO public.tracks VALUES ('a'), ('unknown'), (NULL)`);
    await settle(projector);
    const attached = await world.session('public');
    expect(await read(attached)).toMatchObject({
      ...none,
      total: 3,
      withSpotify: 1,
      enriched: 1,
      stale30d: 1,
      stale90d: 0,
      pctSpotify: 33.33,
    });
    const columns = (schema: string) =>
      world.query(
        `SELECT attname, atttypid::regtype::text FROM pg_attribute
          WHERE attrelid = '${schema}.enrichment_coverage_stats'::regclass ORDER BY attnum`,
      );
    expect(await columns('public')).toEqual(await columns('enrichment'));
  });
});
