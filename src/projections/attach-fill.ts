import type pg from 'pg';
import { bringInStep, type Rows } from './attached-rows.ts';
import { AttachedTableError, type Attachment, readAttachment, tableSql, tableText } from './attachment.ts';
import { connect, liveSchema } from './database.ts';

export type Names = Pick<Attachment, 'schema' | 'table' | 'key'>;

export const readModel = tableSql({ schema: liveSchema, table: 'tracks' });

/** Pages of 8 KB that one transaction brings in step: scrapers may have to wait for as many rows. */
const pagesMax = 500;

/** Returns how many rows got other values. A row that somebody holds is noted for the projector. */
export async function fillRows(url: string, names: Names): Promise<number> {
  const client = await connect(url);
  try {
    const { rows } = await client.query<{ pages: number }>(
      `SELECT (pg_relation_size(to_regclass($1)) / current_setting('block_size')::int)::int AS pages`,
      [tableSql(names)],
    );
    const pages = rows[0]?.pages ?? 0;
    let changed = 0;
    for (let page = 0; page <= pages; page += pagesMax)
      changed += await fillSome(client, names, { fromPage: page, toPage: page + pagesMax });
    // Rows that moved from a page ahead to one behind.
    return changed + (await fillSome(client, names, 'all'));
  } finally {
    await client.end();
  }
}

async function fillSome(client: pg.ClientBase, names: Names, rows: Rows): Promise<number> {
  await client.query('BEGIN');
  const attachment = await readAttachment(client);
  if (attachment === null || !same(attachment, names)) {
    throw new AttachedTableError(`${tableText(names)} was detached meanwhile.`);
  }
  const { changed } = await bringInStep(client, attachment, readModel, rows);
  await client.query('COMMIT');
  return changed;
}

export function same(one: Names, other: Names): boolean {
  return one.schema === other.schema && one.table === other.table && one.key === other.key;
}
