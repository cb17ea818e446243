import type pg from 'pg';
import { coverageView } from './attached-columns.ts';
import { attachedTriggers } from './attached-objects.ts';
import { type Attachment, attachmentSchema, readAttachment, tableSql, tableText } from './attachment.ts';
import { changeAttachment } from './attachment-transaction.ts';

/**
 * Takes away from the attached table all that attaching added, and nothing that was there before: a column of its own
 * stays, with the values that it has. One transaction. Returns the table's name; null: none was attached.
 *
 * @throws AttachedTableError
 */
export function detachTable({ url }: { readonly url: string }): Promise<string | null> {
  return changeAttachment(url, async (client) => {
    const attachment = await readAttachment(client);
    if (attachment === null) return null;
    const named = await bearerOfTriggers(client);
    await restoreView(client, attachment);
    if (named !== null) await strip(client, attachment, tableSql(named));
    await client.query(`DROP SCHEMA ${attachmentSchema} CASCADE`);
    return tableText(named ?? attachment);
  });
}

/** The table may have been renamed, or dropped: it is the one that bears our trigger. */
async function bearerOfTriggers(
  client: pg.ClientBase,
): Promise<{ readonly schema: string; readonly table: string } | null> {
  const { rows } = await client.query<{ schema: string; table: string }>(
    `SELECT n.nspname AS schema, c.relname AS table
       FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE t.tgfoid = to_regproc('${attachmentSchema}.fill')`,
  );
  return rows[0] ?? null;
}

async function restoreView(client: pg.ClientBase, { schema, viewBefore }: Attachment): Promise<void> {
  const view = tableSql({ schema, table: coverageView });
  if (viewBefore === null) await client.query(`DROP VIEW IF EXISTS ${view}`);
  else await client.query(`CREATE OR REPLACE VIEW ${view} AS ${viewBefore}`);
}

async function strip(
  client: pg.ClientBase,
  { schema, columns, constraints, indexes }: Attachment,
  table: string,
): Promise<void> {
  await client.query(`LOCK TABLE ONLY ${table} IN ACCESS EXCLUSIVE MODE`);
  for (const trigger of attachedTriggers) await client.query(`DROP TRIGGER IF EXISTS ${trigger} ON ${table}`);
  for (const name of indexes) {
    await client.query(`DROP INDEX IF EXISTS ${tableSql({ schema, table: name })}`);
  }
  const actions = [
    ...constraints.map((name) => `DROP CONSTRAINT IF EXISTS ${name}`),
    ...columns.map((name) => `DROP COLUMN IF EXISTS ${name}`),
  ];
  if (actions.length > 0) await client.query(`ALTER TABLE ${table} ${actions.join(', ')}`);
}
