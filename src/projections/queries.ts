import { and, asc, eq, ilike, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { connectPool } from './database.ts';
import { type TrackRow, tracks } from './schema.ts';

/** Questions to the read models. */
export interface TrackQueries {
  findTrack(trackId: string): Promise<TrackRow | null>;
  /** The tracks whose artist and title together hold every word, in any case; at most `limit`, by artist and title. */
  searchTracks(words: readonly string[], limit: number): Promise<readonly TrackRow[]>;
  close(): Promise<void>;
}

const connectionsMax = 2;

export function openTrackQueries({ url }: { readonly url: string }): TrackQueries {
  const pool = connectPool(url, connectionsMax);
  const db = drizzle(pool);
  return {
    async findTrack(trackId) {
      const rows = await db.select().from(tracks).where(eq(tracks.trackId, trackId));
      return rows[0] ?? null;
    },
    searchTracks(words, limit) {
      const text = sql`${tracks.artist} || ' ' || ${tracks.title}`;
      return db
        .select()
        .from(tracks)
        .where(and(...words.map((word) => ilike(text, `%${word.replace(/[\\%_]/g, String.raw`\$&`)}%`))))
        .orderBy(asc(tracks.artist), asc(tracks.title), asc(tracks.trackId))
        .limit(limit);
    },
    close: () => pool.end(),
  };
}
