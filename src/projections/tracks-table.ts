import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Client } from 'pg';
import { trackIdOfStream } from '../domain/stream-names.ts';
import { JsonText } from './json-text.ts';
import { provenanceJson } from './provenance.ts';
import type { Changes, FreshRows, ReadModel } from './read-model.ts';
import { createRowWriter } from './row-writer.ts';
import { type TrackRow, tracks } from './schema.ts';
import { applyToTrack, changeTrack, type TrackDraft } from './tracks.ts';

const writer = createRowWriter<TrackRow>(tracks, ['track_id']);

/** What is known of every track: a row a track. */
export const tracksModel: ReadModel = {
  name: 'tracks',
  follows: (stream) => trackIdOfStream(stream) !== null,
  async load(client, streams) {
    const trackIds = streams.flatMap((stream) => trackIdOfStream(stream) ?? []);
    return changesTo(await loadTracks(client, trackIds));
  },
  fresh: freshRows,
  async saveFresh(client, rows) {
    for (const some of rows) await writer.copy(client, some);
  },
};

function changesTo(rows: Map<string, TrackRow>): Changes {
  const changed = new Map<string, TrackRow | null>();
  return {
    apply({ stream, revision, event }) {
      const trackId = trackIdOfStream(stream);
      if (trackId === null) return;
      const before = changed.has(trackId) ? (changed.get(trackId) ?? null) : (rows.get(trackId) ?? null);
      const after = applyToTrack(before, trackId, { event, revision });
      if (after !== before) changed.set(trackId, after);
    },
    async save(client) {
      const added: TrackRow[] = [];
      const kept: TrackRow[] = [];
      const gone: string[] = [];
      for (const [trackId, row] of changed) {
        if (row !== null) (rows.has(trackId) ? kept : added).push(row);
        else if (rows.has(trackId)) gone.push(trackId);
      }
      await writer.insert(client, added);
      await writer.upsert(client, kept);
      if (gone.length > 0) await client.query('DELETE FROM tracks WHERE track_id = ANY($1)', [gone]);
    },
  };
}

function freshRows(): FreshRows {
  const rows = writer.bytes();
  let row: TrackDraft | null = null;
  return {
    apply({ stream, revision, event }) {
      row = changeTrack(row, trackIdOfStream(stream) ?? '', { event, revision });
    },
    settle() {
      if (row !== null) {
        if (row.answers !== null) row.provenance = new JsonText(provenanceJson(row.answers));
        rows.add(row);
      }
      row = null;
    },
    take: rows.take,
  };
}

/** The rows of these tracks. */
async function loadTracks(client: Client, trackIds: readonly string[]): Promise<Map<string, TrackRow>> {
  if (trackIds.length === 0) return new Map();
  const rows = await drizzle(client)
    .select()
    .from(tracks)
    .where(eq(tracks.trackId, sql`ANY(${sql.param([...trackIds])})`));
  return new Map(rows.map((row) => [row.trackId, row]));
}
