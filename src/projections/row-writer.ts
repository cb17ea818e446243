import { getTableColumns, getTableName } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Client } from 'pg';
import { type CopyBinary, createCopyBinary } from './copy-binary.ts';
import { copyIn } from './copy-in.ts';

/** Fewer are written faster by a statement that the server knows. */
const copyRowsMin = 500;

/** Writes whole rows of one table, many in one statement. Tables are found through the search_path. */
export interface RowWriter<Row> {
  /** Inserts rows, or puts them in the place of those that have their keys. */
  upsert(client: Client, rows: readonly Row[]): Promise<void>;
  /** Inserts rows that are not there yet. */
  insert(client: Client, rows: readonly Row[]): Promise<void>;
  /** Rows that are not there yet, kept as the bytes that they are sent as: less than the rows themselves. */
  bytes(): RowBytes<Row>;
  /** Inserts rows that are in such bytes, as fast as it goes. */
  copy(client: Client, bytes: Uint8Array): Promise<void>;
}

export interface RowBytes<Row> {
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
    write: fieldOf(column.getSQLType()),
  }));
  const names = columns.map((column) => `"${column.name}"`);
  const updates = columns
    .filter((column) => !keys.includes(column.name))
    .map((column) => `"${column.name}" = ${onConflict(`"${column.name}"`)}`);
  const upsertText = `INSERT INTO ${name} (${names.join(', ')})
    SELECT ${names.join(', ')} FROM json_populate_recordset(NULL::${name}, $1::json)
    ON CONFLICT (${keys.join(', ')}) DO UPDATE SET ${updates.join(', ')}`;

  const bytes = (): RowBytes<Row> => {
    const binary = createCopyBinary();
    return {
      add(row) {
        binary.beginRow(columns.length);
        for (const { key, write } of columns) {
          const value = row[key];
          if (value === null || value === undefined) binary.none();
          else write(binary, value);
        }
      },
      take: binary.take,
    };
  };

  const writer: RowWriter<Row> = {
    async insert(client, rows) {
      if (rows.length < copyRowsMin) return writer.upsert(client, rows);
      const all = bytes();
      for (const row of rows) all.add(row);
      await writer.copy(client, all.take());
    },
    bytes,
    copy: (client, all) => copyIn(client, `${name} (${names.join(', ')})`, all),
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

type Write = (binary: CopyBinary, value: unknown) => void;

/** How a field is written, by the type of its column. */
const fields: Readonly<Record<string, Write>> = {
  text: (binary, value) => binary.text(value as string),
  varchar: (binary, value) => binary.text(value as string),
  integer: (binary, value) => binary.integer(value as number),
  bigint: (binary, value) => binary.bigint(value as number),
  'double precision': (binary, value) => binary.double(value as number),
  numeric: (binary, value) => binary.numeric(Number(value)),
  'timestamp with time zone': (binary, value) => binary.time(value as string),
  jsonb: (binary, value) => binary.jsonb(value),
  'text[]': (binary, value) => binary.texts(value as readonly (string | null)[]),
};

function fieldOf(type: string): Write {
  const field = fields[type.replace(/\(.*\)/, '')];
  if (field === undefined) throw new Error(`No row with a column of type ${type} is copied.`);
  return field;
}
