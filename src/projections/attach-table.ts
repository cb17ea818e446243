import pg from 'pg';
import { addColumns, addConstraints, addIndexes, addView, slow } from './attach-additions.ts';
import { fillRows, type Names, readModel, same } from './attach-fill.ts';
import { attachedColumns, keyIndex } from './attached-columns.ts';
import { attachedTriggersSql, attachmentTables } from './attached-objects.ts';
import { AttachedTableError, attachmentSchema, readAttachment, tableSql, tableText } from './attachment.ts';
import { changeAttachment } from './attachment-transaction.ts';
import { liveSchema } from './database.ts';
import { type ForeignTable, findForeignTable, parseNames } from './foreign-table.ts';

export interface Attached {
  /** `schema.table`, quoted where it has to be. */
  readonly table: string;
  readonly key: string;
  /** It was attached before; only its rows were brought in step. */
  readonly already: boolean;
  /** Columns, constraints and indexes that were added; what was there before is not among them. */
  readonly added: readonly string[];
  /** Rows that got other values. */
  readonly rowsChanged: number;
}

/**
 * Gives a `tracks` table of somebody else what migration 008 adds, and keeps it in step with the read model from then
 * on. One short transaction, alone with the table, adds everything; then the rows get their values, in parts and
 * beside everybody's work. What was cut off there goes on when it is repeated; a repetition also brings in step what
 * has gone out of it.
 *
 * @param table as in SQL, with its schema: `public.tracks`, `"My Schema"."Tracks"`
 * @param key the column that holds track ids: text, an integer or a uuid; it need not be unique
 * @throws AttachedTableError
 */
export async function attachTable(options: {
  readonly url: string;
  readonly table: string;
  readonly key: string;
}): Promise<Attached> {
  const { url } = options;
  const { names, already, added } = await changeAttachment(url, (client) => begin(client, options));
  return { table: tableText(names), key: names.key, already, added, rowsChanged: await fillRows(url, names) };
}

async function begin(
  client: pg.ClientBase,
  options: { readonly table: string; readonly key: string },
): Promise<{ readonly names: Names; readonly already: boolean; readonly added: readonly string[] }> {
  const names = await parseNames(client, options);
  const before = await readAttachment(client);
  if (before !== null) {
    if (same(before, names)) return { names, already: true, added: [] };
    throw new AttachedTableError(
      `${tableText(before)} is attached already, by ${pg.escapeIdentifier(before.key)}: detach it first, one table can be.`,
    );
  }
  await client.query(`SELECT FROM ${readModel} LIMIT 0`).catch(noReadModel);
  const found = await findForeignTable(client, names);
  await client.query(`LOCK TABLE ONLY ${tableSql(found)} IN ACCESS EXCLUSIVE MODE`);
  // Before the lock somebody may have changed it.
  const foreign = await findForeignTable(client, names);
  return { names, already: false, added: await addAll(client, foreign) };
}

async function addAll(client: pg.ClientBase, foreign: ForeignTable): Promise<readonly string[]> {
  await client.query(attachmentTables);
  const columns = await addColumns(client, foreign);
  await refuseLosses(client, foreign, columns);
  const constraints = await addConstraints(client, foreign);
  const indexes = await addIndexes(client, foreign);
  const viewBefore = await addView(client, foreign);
  await client.query(attachedTriggersSql(foreign));
  await client.query(
    `INSERT INTO ${attachmentSchema}.attachment
       (table_schema, table_name, key_column, columns, constraints, indexes, view_before)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [foreign.schema, foreign.table, foreign.key, columns, constraints, indexes, viewBefore],
  );
  // An index over an expression has no statistics yet, and without them the planner may not use it.
  if (indexes.includes(keyIndex)) await client.query(`ANALYZE ${tableSql(foreign)}`);
  return [...columns, ...constraints, ...indexes];
}

/** Columns that were there before may hold what only they know; that is not overwritten with nothing. */
async function refuseLosses(
  client: pg.ClientBase,
  foreign: ForeignTable,
  added: readonly string[],
): Promise<void> {
  const key = `f.${pg.escapeIdentifier(foreign.key)}`;
  for (const { name } of attachedColumns) {
    if (added.includes(name)) continue;
    const { rows } = await client.query<{ count: number }>(
      slow(`SELECT count(*)::int AS count
              FROM ${tableSql(foreign)} f LEFT JOIN ${readModel} t ON t.track_id = ${key}::text
             WHERE ${key} IS NOT NULL AND f.${name} IS NOT NULL AND t.${name} IS NULL`),
    );
    const count = rows[0]?.count ?? 0;
    if (count === 0) continue;
    throw new AttachedTableError(
      `The column ${name} of ${tableText(foreign)} holds values in ${count} rows that the read model does not know and that would be lost: rename the column, or set it to NULL.`,
    );
  }
}

function noReadModel(cause: unknown): never {
  const code = cause instanceof pg.DatabaseError ? cause.code : undefined;
  if (code !== '42P01' && code !== '3F000') throw cause;
  throw new AttachedTableError(`There is no ${liveSchema}.tracks yet: run "migrate" first.`, { cause });
}
