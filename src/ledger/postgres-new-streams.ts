import type { Pool } from 'pg';
import type { AppendResult } from './ledger.ts';
import { appendedChannel, columnsOf, headOf, type PendingAppend, type Row, rowsOf } from './postgres-rows.ts';

/** What PostgreSQL says where the key of streams and revisions is taken. */
const uniqueViolation = '23505';

export function areNewStreams(appends: readonly PendingAppend[]): boolean {
  const isNew = ({ expected, events }: PendingAppend) => expected === 'no-stream' && events.length > 0;
  return appends.every(isNew) && new Set(appends.map(({ stream }) => stream)).size === appends.length;
}

/**
 * Writes appends to streams that do not exist, in one statement and so in one way to the server and back. Changing the
 * head takes its lock, which is held until the statement is committed: the order of positions stays that of commits.
 * Null, and nothing written, where a stream exists: one that the statement does not see yet, because it came while the
 * lock was waited for, has the same first revision.
 */
export async function startStreams(
  pool: Pool,
  appends: readonly PendingAppend[],
): Promise<readonly AppendResult[] | null> {
  const rows = appends.flatMap(({ stream, events }) =>
    events.map((event, revision): Row => ({ ...event, stream, revision })),
  );
  try {
    const { rowCount } = await pool.query({
      name: 'ledger-start-streams',
      text: `WITH moved AS (UPDATE ledger.head SET position = position + $1
                             WHERE NOT EXISTS (SELECT FROM unnest($2::text[]) AS name WHERE ${headOf('name')} IS NOT NULL)
                             RETURNING position - $1 AS start),
                  told AS (SELECT pg_notify('${appendedChannel}', ''))
             INSERT INTO ledger.events (position, stream, revision, id, type, data, metadata)
             SELECT start + ordinality, stream, revision, id, type, data, metadata
               FROM ${rowsOf(3)}, moved, told`,
      values: [rows.length, appends.map(({ stream }) => stream), ...columnsOf(rows)],
    });
    if (rowCount === 0) return null;
    return appends.map(({ events }) => ({ kind: 'appended', revision: events.length - 1 }));
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === uniqueViolation) return null;
    throw error;
  }
}
