import { getTableColumns } from 'drizzle-orm';
import type { TrackField } from '../domain/track-values.ts';
import { type TrackRow, tracks } from './schema.ts';

const columns = getTableColumns(tracks);

/** The columns of `tracks`: their keys in a `TrackRow`, and their names in the database. */
export const trackColumns = Object.entries(columns).map(([key, { name }]) => ({
  key: key as keyof TrackRow,
  name,
}));

/** The column that holds a field: `spotify_id` for `spotifyId`. */
export function columnOf(field: TrackField): string {
  return columns[field].name;
}

/** A row by the names of its columns, as readers of the database know them. */
export function trackRecordOf(row: TrackRow): Readonly<Record<string, unknown>> {
  return Object.fromEntries(trackColumns.map(({ key, name }) => [name, row[key]]));
}
