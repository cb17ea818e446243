import pg from 'pg';
import { addColumns, addConstraints, addIndexes, addView, slow } from './attach-additions.ts';
import { attachedColumns } from './attached-columns.ts';
import { attachedTriggersSql, attachmentTables } from './attached-objects.ts';
import { bringInStep } from './attached-table.ts';
import {
  AttachedTableError,
  type Attachment,
  attachmentSchema,
  readAttachment,
  tableSql,
  tableText,
} from './attachment.ts';
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

const readModel = tableSql({ schema: liveSchema, table: 'tracks' });

/**
 * Gives a `tracks` table of somebody else what migration 008 adds, and keeps it in step with the read model from then
 * on. One transaction, which locks the table while its rows get their values. Safe to repeat: then it brings in step
 * what has gone out of it.
 *
 * @param table as in SQL, with its schema: `public.tracks`, `"My Schema"."Tracks"`
 * @param key the column that holds track ids: text, an integer or a uuid; it need not be unique
 * @throws AttachedTableError
 */
export function attachTable(options: {
  readonly url: string;
  readonly table: string;
  readonly key: string;
}): Promise<Attached> {
  return changeAttachment(options.url, async (client) => {
    const names = await parseNames(client, options);
    const before = await readAttachment(client);
    if (before !== null) return attachAgain(client, before, names);
    await client.query(`SELECT FROM ${readModel} LIMIT 0`).catch(noReadModel);
    const found = await findForeignTable(client, names);
    await client.query(`LOCK TABLE ONLY ${tableSql(found)} IN ACCESS EXCLUSIVE MODE`);
    // Before the lock somebody may have changed it.
    const foreign = await findForeignTable(client, names);
    return attach(client, foreign);
  });
}

async function attach(client: pg.ClientBase, foreign: ForeignTable): Promise<Attached> {
  const table = tableSql(foreign);
  await client.query(attachmentTables);
  const columns = await addColumns(client, foreign);
  const rowsChanged = await fillRows(client, foreign, columns);
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
  await client.query(`ANALYZE ${table}`);
  return {
    table: tableText(foreign),
    key: foreign.key,
    already: false,
    added: [...columns, ...constraints, ...indexes],
    rowsChanged,
  };
}

async function attachAgain(
  client: pg.ClientBase,
  before: Attachment,
  names: Pick<Attachment, 'schema' | 'table' | 'key'>,
): Promise<Attached> {
  const { schema, table, key } = before;
  if (schema !== names.schema || table !== names.table || key !== names.key) {
    throw new AttachedTableError(
      `${tableText(before)} is attached already, by ${pg.escapeIdentifier(key)}: detach it first, one table can be.`,
    );
  }
  const { changed } = await bringInStep(client, before, readModel, null);
  return { table: tableText(before), key, already: true, added: [], rowsChanged: changed };
}

/** Columns that were there before may hold what only they know; that is not overwritten with nothing. */
async function fillRows(
  client: pg.ClientBase,
  foreign: ForeignTable,
  added: readonly string[],
): Promise<number> {
  const kept = attachedColumns.filter(({ name }) => !added.includes(name));
  const key = `f.${pg.escapeIdentifier(foreign.key)}`;
  for (const { name } of kept) {
    const { rows } = await client.query<{ count: number }>(
      slow(`SELECT count(*)::int AS count
              FROM ${tableSql(foreign)} f LEFT JOIN ${readModel} t ON t.track_id = ${key}::text
             WHERE ${key} IS NOT NULL AND f.${name} IS NOT NULL AND t.${name} IS NULL`),
    );
    const count = rows[0]?.count ?? 0;
    if (count === 0) continue;
    throw new AttachedTableError(
      `The column ${name} of ${tableText(foreign)} holds ${count} values that the read model does not know and that would be lost: rename the column, or set it to NULL.`,
    );
  }
  const attachment = { ...foreign, columns: [], constraints: [], indexes: [], viewBefore: null };
  const { changed } = await bringInStep(client, attachment, readModel, null);
  // What triggers of the table's own have deferred would stand in the way of altering it.
  await client.query('SET CONSTRAINTS ALL IMMEDIATE');
  return changed;
}

function noReadModel(cause: unknown): never {
  const code = cause instanceof pg.DatabaseError ? cause.code : undefined;
  if (code !== '42P01' && code !== '3F000') throw cause;
  throw new AttachedTableError(`There is no ${liveSchema}.tracks yet: run "migrate" first.`, { cause });
}
