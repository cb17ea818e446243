import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Client } from 'pg';
import { type TrackRow, tracks } from './schema.ts';
import { trackColumns, trackRecordOf } from './track-columns.ts';

const quoted = trackColumns.map(({ name }) => `"${name}"`);
const updates = quoted.filter((name) => name !== '"track_id"').map((name) => `${name} = excluded.${name}`);
const upsert = `INSERT INTO tracks (${quoted.join(', ')})
  SELECT ${quoted.join(', ')} FROM json_populate_recordset(NULL::tracks, $1::json)
  ON CONFLICT (track_id) DO UPDATE SET ${updates.join(', ')}`;

/** The rows of these tracks. */
export async function loadTracks(
  client: Client,
  trackIds: readonly string[],
): Promise<Map<string, TrackRow>> {
  const rows = await drizzle(client)
    .select()
    .from(tracks)
    .where(eq(tracks.trackId, sql`ANY(${sql.param([...trackIds])})`));
  return new Map(rows.map((row) => [row.trackId, row]));
}

/** Writes the rows in one statement. */
export async function saveTracks(client: Client, rows: readonly TrackRow[]): Promise<void> {
  if (rows.length === 0) return;
  const records = JSON.stringify(rows.map(trackRecordOf));
  await client.query({ name: 'tracks-upsert', text: upsert, values: [records] });
}

export async function deleteTracks(client: Client, trackIds: readonly string[]): Promise<void> {
  if (trackIds.length === 0) return;
  await client.query('DELETE FROM tracks WHERE track_id = ANY($1)', [trackIds]);
}
