import pg from 'pg';
import { attachedColumns } from './attached-columns.ts';
import { AttachedTableError, type Attachment, attachmentSchema, tableSql, tableText } from './attachment.ts';

/** Brings all rows of a large table in step; the connection's own bound is for small statements. */
export const wholeTableMsMax = 30 * 60_000;

const names = attachedColumns.map(({ name }) => name);
const namesOf = (alias: string) => names.map((name) => `${alias}.${name}`).join(', ');

/** Which rows are looked at: those of some tracks, those in some pages of the table, or all. */
export type Rows =
  | { readonly keys: readonly string[] }
  | { readonly fromPage: number; readonly toPage: number }
  | 'all';

/** Changes the rows that differ and that nobody has locked, and puts the keys of those passed over into the log. */
export async function bringInStep(
  client: pg.ClientBase,
  attachment: Attachment,
  readModelSql: string,
  rows: Rows,
): Promise<{ readonly changed: number; readonly locked: number }> {
  const table = tableSql(attachment);
  const key = `f.${pg.escapeIdentifier(attachment.key)}::text`;
  const { join, where, values } = restrictionTo(rows, key);
  const text = `
    WITH differing AS MATERIALIZED (
      SELECT f.ctid AS at, ${key} AS key, ${namesOf('t')}
        FROM ONLY ${table} f ${join} LEFT JOIN ${readModelSql} t ON t.track_id = ${key}
       WHERE ${key} IS NOT NULL AND (${namesOf('f')}) IS DISTINCT FROM (${namesOf('t')}) ${where}
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
  const query = { text, values, ...(rows === 'all' ? { query_timeout: wholeTableMsMax } : {}) };
  const result = await explained(attachment, () => client.query<{ changed: number; locked: number }>(query));
  return result.rows[0] ?? { changed: 0, locked: 0 };
}

function restrictionTo(
  rows: Rows,
  key: string,
): { readonly join: string; readonly where: string; readonly values: readonly unknown[] } {
  if (rows === 'all') return { join: '', where: '', values: [] };
  if ('keys' in rows) {
    const join = `JOIN (SELECT DISTINCT unnest($1::text[]) AS key) w ON w.key = ${key}`;
    return { join, where: '', values: [rows.keys] };
  }
  const values = [rows.fromPage, rows.toPage].map((page) => `(${page},0)`);
  return { join: '', where: 'AND f.ctid >= $1::tid AND f.ctid < $2::tid', values };
}

/** PostgreSQL says what is missing (table, column, permission, …), this says whose it is and what to do. */
export async function explained<T>(attachment: Attachment, run: () => Promise<T>): Promise<T> {
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
