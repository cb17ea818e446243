import pg from 'pg';
import { attachedColumns } from './attached-columns.ts';
import {
  AttachedTableError,
  type Attachment,
  attachmentSchema,
  readAttachment,
  tableSql,
  tableText,
} from './attachment.ts';

/**
 * Keeps the attached table in step with the read model: its columns of migration 008 are what `tracks` says of the
 * row's key, and NULL where `tracks` has no such track. All of this runs in the caller's transaction, which has to be
 * READ COMMITTED, and never waits for whoever works with the table: a row that somebody has locked is noted, like the
 * rows that are inserted meanwhile, and follows with the next `syncInserted`.
 */

/** Log entries that one call takes: a bound on a transaction. */
export const insertedMax = 1000;
/** Brings all rows of a large table in step; the connection's own bound is for small statements. */
export const wholeTableMsMax = 30 * 60_000;

/**
 * Brings the rows of these tracks in step; to be called after the caller's own rows were written. Almost free where
 * nothing is attached.
 *
 * @throws AttachedTableError with what to do, where the table cannot be written
 */
export async function syncAttached(client: pg.ClientBase, trackIds: readonly string[]): Promise<void> {
  if (trackIds.length === 0) return;
  const attachment = await readAttachment(client);
  if (attachment !== null) await bringInStep(client, attachment, 'tracks', trackIds);
}

/**
 * Takes up to `insertedMax` entries of the log of inserted and passed-over rows, and brings those rows in step.
 * Returns how many are done with; `insertedMax` means that there may be more to do at once. Those that are still
 * locked go back into the log.
 *
 * @throws AttachedTableError
 */
export async function syncInserted(client: pg.ClientBase): Promise<number> {
  const attachment = await readAttachment(client);
  if (attachment === null) return 0;
  const { rows } = await explained(attachment, () =>
    client.query<{ key: string }>(
      `DELETE FROM ${attachmentSchema}.inserted WHERE id IN (
         SELECT id FROM ${attachmentSchema}.inserted ORDER BY id LIMIT ${insertedMax} FOR UPDATE SKIP LOCKED)
       RETURNING key`,
    ),
  );
  if (rows.length === 0) return 0;
  const keys = rows.map(({ key }) => key);
  const { locked } = await bringInStep(client, attachment, 'tracks', keys);
  return rows.length - locked;
}

/**
 * Brings every row in step with `<schema>.tracks`, touching only those that differ; for the transaction that swaps
 * schemas, best before it renames them. Returns how many rows it changed.
 *
 * @throws AttachedTableError
 */
export async function syncAllAttached(client: pg.ClientBase, schema: string): Promise<number> {
  const attachment = await readAttachment(client);
  if (attachment === null) return 0;
  const { changed } = await bringInStep(client, attachment, tableSql({ schema, table: 'tracks' }), null);
  return changed;
}

const names = attachedColumns.map(({ name }) => name);
const namesOf = (alias: string) => names.map((name) => `${alias}.${name}`).join(', ');

/**
 * Changes the rows that differ and that nobody has locked, and puts the keys of those passed over into the log.
 *
 * @param keys null: all
 */
export async function bringInStep(
  client: pg.ClientBase,
  attachment: Attachment,
  readModelSql: string,
  keys: readonly string[] | null,
): Promise<{ readonly changed: number; readonly locked: number }> {
  const table = tableSql(attachment);
  const key = `f.${pg.escapeIdentifier(attachment.key)}::text`;
  const wanted = keys === null ? '' : `JOIN (SELECT DISTINCT unnest($1::text[]) AS key) w ON w.key = ${key}`;
  const text = `
    WITH differing AS MATERIALIZED (
      SELECT f.ctid AS at, ${key} AS key, ${namesOf('t')}
        FROM ONLY ${table} f ${wanted} LEFT JOIN ${readModelSql} t ON t.track_id = ${key}
       WHERE ${key} IS NOT NULL AND (${namesOf('f')}) IS DISTINCT FROM (${namesOf('t')})
    ), free AS (
      SELECT f.ctid AS at FROM ONLY ${table} f JOIN differing d ON f.ctid = d.at
         FOR NO KEY UPDATE OF f SKIP LOCKED
    ), changed AS (
      UPDATE ONLY ${table} f SET ${names.map((name) => `${name} = d.${name}`).join(', ')}
        FROM differing d JOIN free ON free.at = d.at WHERE f.ctid = d.at RETURNING d.at
    ), locked AS (
      INSERT INTO ${attachmentSchema}.inserted (key)
      SELECT DISTINCT key FROM differing d WHERE NOT EXISTS (SELECT FROM changed c WHERE c.at = d.at) RETURNING 1
    )
    SELECT (SELECT count(*)::int FROM changed) AS changed, (SELECT count(*)::int FROM locked) AS locked`;
  const bound = keys === null ? { query_timeout: wholeTableMsMax } : {};
  const query = { text, values: keys === null ? [] : [keys], ...bound };
  const { rows } = await explained(attachment, () =>
    client.query<{ changed: number; locked: number }>(query),
  );
  return rows[0] ?? { changed: 0, locked: 0 };
}

/** PostgreSQL says what is missing (table, column, permission, …), this says whose it is and what to do. */
async function explained<T>(attachment: Attachment, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError) || !/^(42|23|3F)/.test(cause.code ?? '')) throw cause;
    throw new AttachedTableError(
      `The attached table ${tableText(attachment)} cannot be kept in step (${cause.message}): ` +
        'put that right, or detach the table with "migrate --detach"',
      { cause },
    );
  }
}
