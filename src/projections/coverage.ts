import { sql } from 'drizzle-orm';
import { bigint, numeric, pgView } from 'drizzle-orm/pg-core';
import { tracks } from './schema.ts';

/** What is counted: the name of the count, and which tracks it holds, in terms of the columns of `tracks`. */
const counted = {
  with_spotify: 'spotify_id IS NOT NULL',
  with_musicbrainz: 'musicbrainz_id IS NOT NULL',
  with_bpm: 'bpm IS NOT NULL',
  with_audio_features: 'energy IS NOT NULL AND danceability IS NOT NULL AND valence IS NOT NULL',
  enriched: 'enrichment_timestamp IS NOT NULL',
  stale_30d: "enrichment_timestamp < now() - interval '30 days'",
  stale_90d: "enrichment_timestamp < now() - interval '90 days'",
} as const;

const counts = Object.entries(counted);
const percentageOf = (name: string) => `pct_${name.replace('with_', '')}`;
const holding = (condition: string) => `count(*) FILTER (WHERE ${condition})`;

/** The columns of the view as a select list; below FROM stands something with the columns of `tracks`. */
export const coverageSelectList = [
  'count(*) AS total',
  ...counts.map(([name, condition]) => `${holding(condition)} AS ${name}`),
  ...counts.map(
    ([name, condition]) =>
      `round(100.0 * ${holding(condition)} / nullif(count(*), 0), 2) AS ${percentageOf(name)}`,
  ),
].join(', ');

/** The same columns as a function's result declares them. */
export const coverageColumnTypes = [
  'total bigint',
  ...counts.map(([name]) => `${name} bigint`),
  ...counts.map(([name]) => `${percentageOf(name)} numeric`),
].join(', ');

const count = (name: string) => bigint(name, { mode: 'number' }).notNull();
/** Of all tracks, 0 to 100 with two decimals; null where there is no track. */
const percentage = (name: string) => numeric(name, { mode: 'number' });

/**
 * How far the tracks are enriched: one row. A view, not a stored row, because what is stale depends on the present
 * time. Stale: enriched, and longer ago.
 */
export const coverageStats = pgView('enrichment_coverage_stats', {
  total: count('total'),
  withSpotify: count('with_spotify'),
  withMusicbrainz: count('with_musicbrainz'),
  withBpm: count('with_bpm'),
  withAudioFeatures: count('with_audio_features'),
  enriched: count('enriched'),
  stale30d: count('stale_30d'),
  stale90d: count('stale_90d'),
  pctSpotify: percentage('pct_spotify'),
  pctMusicbrainz: percentage('pct_musicbrainz'),
  pctBpm: percentage('pct_bpm'),
  pctAudioFeatures: percentage('pct_audio_features'),
  pctEnriched: percentage('pct_enriched'),
  pctStale30d: percentage('pct_stale_30d'),
  pctStale90d: percentage('pct_stale_90d'),
}).as(sql`SELECT ${sql.raw(coverageSelectList)} FROM ${tracks}`);
