import { isDeepStrictEqual } from 'node:util';
import type { Client } from 'pg';
import { connect } from './database.ts';
import type { TrackRow } from './schema.ts';
import { trackColumns, trackRecordOf } from './track-columns.ts';

/** A column in which two rows of one track differ. */
export interface ColumnChange {
  readonly column: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The row of a track by the names of its columns, every value as the database gives it. */
export type TrackRecord = Readonly<Record<string, unknown>>;

/** Rows as the table `tracks` holds them, or would. */
export interface StoredRows {
  /** Null: there is none. */
  live(trackId: string): Promise<TrackRecord | null>;
  /** A row in the types of the table's columns: `0.5` becomes `0.50` where it keeps two digits. */
  asStored(row: TrackRow): Promise<TrackRecord>;
  close(): Promise<void>;
}

export async function openStoredRows(url: string): Promise<StoredRows> {
  const client = await connect(url);
  const one = async (text: string, value: string): Promise<TrackRecord | null> => {
    const { rows } = await client.query<{ record: TrackRecord }>(text, [value]);
    return rows[0]?.record ?? null;
  };
  await client.query("SET TimeZone = 'UTC'");
  return {
    live: (trackId) => one('SELECT to_jsonb(t) AS record FROM tracks t WHERE track_id = $1', trackId),
    async asStored(row) {
      const text = 'SELECT to_jsonb(json_populate_record(NULL::tracks, $1::json)) AS record';
      return (await one(text, JSON.stringify(trackRecordOf(row)))) ?? {};
    },
    close: () => end(client),
  };
}

const end = (client: Client) => client.end();

/** The columns that differ; a row that is not there has null in each. */
export function columnChanges(
  before: TrackRecord | null,
  after: TrackRecord | null,
): readonly ColumnChange[] {
  return trackColumns.flatMap(({ name: column }) => {
    const [one, other] = [before?.[column] ?? null, after?.[column] ?? null];
    return isDeepStrictEqual(one, other) ? [] : [{ column, before: one, after: other }];
  });
}
