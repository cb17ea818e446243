import { getTableColumns, getTableName } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/** Writes whole rows of one table, many in one statement. Tables are found through the search_path. */
export interface RowWriter<Row> {
  /** Inserts rows, or puts them in the place of those that have their keys. */
  upsert(client: Client, rows: readonly Row[]): Promise<void>;
  /** Inserts rows that are not there yet, as fast as it goes. */
  copying(): RowCopy<Row>;
}

/** Rows kept as the text that they are sent as, which is less than the rows themselves. */
export interface RowCopy<Row> {
  add(row: Row): void;
  /** Sends what was added since. */
  send(client: Client): Promise<void>;
}

/** @param keys the columns of the primary key, by their names in the database */
export function createRowWriter<Row extends object>(
  table: PgTable,
  keys: readonly string[],
  onConflict: (column: string) => string = (column) => `excluded.${column}`,
): RowWriter<Row> {
  const name = getTableName(table);
  const columns = Object.entries(getTableColumns(table)).map(([key, column]) => ({
    key: key as keyof Row,
    name: column.name,
    toCopy: column.getSQLType().endsWith('[]') ? arrayText : scalarText,
  }));
  const names = columns.map((column) => `"${column.name}"`);
  const updates = columns
    .filter((column) => !keys.includes(column.name))
    .map((column) => `"${column.name}" = ${onConflict(`"${column.name}"`)}`);
  const upsertText = `INSERT INTO ${name} (${names.join(', ')})
    SELECT ${names.join(', ')} FROM json_populate_recordset(NULL::${name}, $1::json)
    ON CONFLICT (${keys.join(', ')}) DO UPDATE SET ${updates.join(', ')}`;

  return {
    async upsert(client, rows) {
      if (rows.length === 0) return;
      const records = rows.map((row) =>
        Object.fromEntries(columns.map((column) => [column.name, row[column.key]])),
      );
      await client.query({ name: `${name}-upsert`, text: upsertText, values: [JSON.stringify(records)] });
    },
    copying() {
      let lines: string[] = [];
      return {
        add(row) {
          // Joined at once: a text that grows by appending is a tree of its parts, which the collector walks again and again.
          lines.push(columns.map(({ key, toCopy }) => toCopy(row[key])).join('\t'));
        },
        async send(client) {
          if (lines.length === 0) return;
          const text = `${lines.join('\n')}\n`;
          lines = [];
          const stream = client.query(copyFrom(`COPY ${name} (${names.join(', ')}) FROM STDIN`));
          await new Promise<void>((resolve, reject) => {
            stream.on('error', reject).on('finish', resolve);
            stream.end(text);
          });
        },
      };
    },
  };
}

function scalarText(value: unknown): string {
  if (value === null || value === undefined) return String.raw`\N`;
  if (typeof value === 'string') return escaped(value);
  return typeof value === 'object' ? escaped(JSON.stringify(value)) : String(value);
}

function arrayText(value: unknown): string {
  const items = (value as readonly string[]).map((one) => `"${one.replace(/["\\]/g, String.raw`\$&`)}"`);
  return escaped(`{${items.join(',')}}`);
}

const special = /[\\\n\r\t]/;
const escapes: Readonly<Record<string, string>> = {
  '\\': String.raw`\\`,
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
};

/** Most texts have nothing to escape, and a look is cheaper than a copy. */
function escaped(text: string): string {
  return special.test(text) ? text.replace(/[\\\n\r\t]/g, (one) => escapes[one] ?? one) : text;
}
