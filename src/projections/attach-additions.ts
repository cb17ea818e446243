import pg from 'pg';
import {
  attachedColumns,
  attachedConstraints,
  attachedIndexes,
  coverageView,
  keyIndex,
} from './attached-columns.ts';
import { attachedViewSql } from './attached-objects.ts';
import { wholeTableMsMax } from './attached-rows.ts';
import { AttachedTableError, tableSql, tableText } from './attachment.ts';
import { columnsOf, type ForeignTable } from './foreign-table.ts';

/** What attaching adds to a table. Each adds what is missing, and returns the names of what it added. */

export async function addColumns(client: pg.ClientBase, foreign: ForeignTable): Promise<string[]> {
  const there = await columnsOf(client, foreign.oid);
  const missing = attachedColumns.filter(({ name }) => !there.has(name));
  const actions = missing.map(({ name, type }) => `ADD COLUMN ${name} ${type}`);
  if (actions.length > 0) await client.query(`ALTER TABLE ${tableSql(foreign)} ${actions.join(', ')}`);
  return missing.map(({ name }) => name);
}

export async function addConstraints(client: pg.ClientBase, foreign: ForeignTable): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT conname AS name FROM pg_constraint WHERE conrelid = $1',
    [foreign.oid],
  );
  const there = new Set(rows.map(({ name }) => name));
  const missing = attachedConstraints.filter(({ name }) => !there.has(name));
  for (const { name, check } of missing) {
    await client.query(slow(`ALTER TABLE ${tableSql(foreign)} ADD CONSTRAINT ${name} CHECK (${check})`));
  }
  return missing.map(({ name }) => name);
}

export async function addIndexes(client: pg.ClientBase, foreign: ForeignTable): Promise<string[]> {
  const byKey = { name: keyIndex, on: `((${pg.escapeIdentifier(foreign.key)}::text))` };
  const wanted = [...attachedIndexes, ...(foreign.keyIndexed ? [] : [byKey])];
  const { rows } = await client.query<{ name: string; own: boolean }>(
    `SELECT c.relname AS name, coalesce(i.indrelid = $2, false) AS own
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
      WHERE n.nspname = $1 AND c.relname = ANY($3)`,
    [foreign.schema, foreign.oid, wanted.map(({ name }) => name)],
  );
  const taken = rows.find(({ own }) => !own);
  if (taken !== undefined) {
    throw new AttachedTableError(
      `${tableText({ schema: foreign.schema, table: taken.name })} exists and is no index of ${tableText(foreign)}: rename it first.`,
    );
  }
  const missing = wanted.filter(({ name }) => !rows.some((row) => row.name === name));
  for (const { name, on } of missing) {
    await client.query(slow(`CREATE INDEX ${name} ON ${tableSql(foreign)} ${on}`));
  }
  return missing.map(({ name }) => name);
}

/** Returns the text of the view that stood there before, if any. */
export async function addView(client: pg.ClientBase, foreign: ForeignTable): Promise<string | null> {
  const { rows } = await client.query<{ text: string | null }>(
    `SELECT CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END AS text
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
    [foreign.schema, coverageView],
  );
  try {
    await client.query(attachedViewSql(foreign));
  } catch (cause) {
    const code = cause instanceof pg.DatabaseError ? cause.code : undefined;
    if (code !== '42P16' && code !== '42809') throw cause;
    throw new AttachedTableError(
      `${tableText({ schema: foreign.schema, table: coverageView })} exists and is another one than migration 008 makes: rename it first.`,
      { cause },
    );
  }
  return rows[0]?.text ?? null;
}

/** A statement that may take as long as a large table needs. */
export function slow(text: string): pg.QueryConfig & { readonly query_timeout: number } {
  return { text, query_timeout: wholeTableMsMax };
}
