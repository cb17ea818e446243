import { getTableColumns, getTableName } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { createCopyText } from './copy-text.ts';

/** Fewer are written faster by a statement that the server knows. */
const copyRowsMin = 500;

/** Writes whole rows of one table, many in one statement. Tables are found through the search_path. */
export interface RowWriter<Row> {
  /** Inserts rows, or puts them in the place of those that have their keys. */
  upsert(client: Client, rows: readonly Row[]): Promise<void>;
  /** Inserts rows that are not there yet. */
  insert(client: Client, rows: readonly Row[]): Promise<void>;
  /** Rows that are not there yet, kept as the text that they are sent as: less than the rows themselves. */
  text(): RowText<Row>;
  /** Inserts rows that are in such a text, as fast as it goes. */
  copy(client: Client, text: Uint8Array): Promise<void>;
}

export interface RowText<Row> {
  add(row: Row): void;
  /** What was added since. */
  take(): Uint8Array;
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
    isArray: column.getSQLType().endsWith('[]'),
  }));
  const names = columns.map((column) => `"${column.name}"`);
  const updates = columns
    .filter((column) => !keys.includes(column.name))
    .map((column) => `"${column.name}" = ${onConflict(`"${column.name}"`)}`);
  const upsertText = `INSERT INTO ${name} (${names.join(', ')})
    SELECT ${names.join(', ')} FROM json_populate_recordset(NULL::${name}, $1::json)
    ON CONFLICT (${keys.join(', ')}) DO UPDATE SET ${updates.join(', ')}`;

  const text = (): RowText<Row> => {
    const copyText = createCopyText();
    return {
      add(row) {
        for (const { key, isArray } of columns) {
          if (isArray) copyText.array(row[key] as readonly unknown[]);
          else copyText.scalar(row[key]);
        }
        copyText.endRow();
      },
      take: copyText.take,
    };
  };

  const writer: RowWriter<Row> = {
    async insert(client, rows) {
      if (rows.length < copyRowsMin) return writer.upsert(client, rows);
      const all = text();
      for (const row of rows) all.add(row);
      await writer.copy(client, all.take());
    },
    text,
    async copy(client, bytes) {
      if (bytes.length === 0) return;
      const stream = client.query(copyFrom(`COPY ${name} (${names.join(', ')}) FROM STDIN`));
      await new Promise<void>((resolve, reject) => {
        stream.on('error', reject).on('finish', resolve);
        // All at once: the stream does not survive what else it would have to send after the server's refusal.
        stream.end(bytes);
      });
    },
    async upsert(client, rows) {
      if (rows.length === 0) return;
      const records = rows.map((row) =>
        Object.fromEntries(columns.map((column) => [column.name, row[column.key]])),
      );
      await client.query({ name: `${name}-upsert`, text: upsertText, values: [JSON.stringify(records)] });
    },
  };
  return writer;
}
