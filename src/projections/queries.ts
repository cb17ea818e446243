import { asc, eq, gt, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { connectPool } from './database.ts';
import { type TrackRow, tracks } from './schema.ts';

/** Questions to the read models. */
export interface TrackQueries {
  findTrack(trackId: string): Promise<TrackRow | null>;
  /** At most `limit` tracks by id, from after the given one. */
  listTracks(options: { readonly after: string; readonly limit: number }): Promise<readonly TrackRow[]>;
  countByStatus(): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

const connectionsMax = 2;
const limitMax = 1000;

export function openTrackQueries({ url }: { readonly url: string }): TrackQueries {
  const pool = connectPool(url, connectionsMax);
  const db = drizzle(pool);
  return {
    async findTrack(trackId) {
      const rows = await db.select().from(tracks).where(eq(tracks.trackId, trackId));
      return rows[0] ?? null;
    },
    listTracks: ({ after, limit }) =>
      db
        .select()
        .from(tracks)
        .where(gt(tracks.trackId, after))
        .orderBy(asc(tracks.trackId))
        .limit(Math.min(limit, limitMax)),
    async countByStatus() {
      const rows = await db
        .select({ status: tracks.status, count: sql<string>`count(*)` })
        .from(tracks)
        .groupBy(tracks.status);
      return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
    },
    close: () => pool.end(),
  };
}
