import type { Client } from 'pg';
import { type ColumnDifference, differencesOf, type RowDifference } from './row-differences.ts';
import { digestOf, sharedColumns, type TableDigest } from './table-digest.ts';

/** What two schemas of read models have in their tables at one position. */
export interface Comparison {
  readonly tables: readonly TableComparison[];
  /** Rows added, removed and changed, over all tables. */
  readonly changes: number;
}

export interface TableComparison {
  readonly table: string;
  readonly before: TableDigest;
  readonly after: TableDigest;
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** How many rows differ in each column, the most first. */
  readonly columns: readonly ColumnDifference[];
  /** Columns that only one of them has: they are not compared. */
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
  /** The first rows that differ. */
  readonly samples: readonly RowDifference[];
}

/** The tables that events are folded into, and their keys. */
const compared = [
  { table: 'tracks', keys: ['track_id'] },
  { table: 'tasks', keys: ['stream', 'task_id'] },
  { table: 'metrics', keys: ['provider', 'hour'] },
] as const;

const nothing: TableDigest = { rows: 0, digest: '0 0' };
const noDifferences = { added: 0, removed: 0, changed: 0, columns: [], samples: [] };

/** How values become text, whatever the settings of the database. */
const settings = [
  "SET LOCAL DateStyle = 'ISO'",
  "SET LOCAL TimeZone = 'UTC'",
  'SET LOCAL extra_float_digits = 1',
  "SET LOCAL bytea_output = 'hex'",
];

/**
 * Compares the tables of two schemas within the transaction of the client, whose snapshot has both at one position.
 * Rows are only looked at where the digests differ.
 */
export async function compareSchemas(
  client: Client,
  before: string,
  after: string,
  samplesMax: number,
): Promise<Comparison> {
  for (const setting of settings) await client.query(setting);
  const tables: TableComparison[] = [];
  for (const { table, keys } of compared) {
    const { shared, onlyBefore, onlyAfter } = await sharedColumns(client, table, before, after);
    // One of another version may not have it at all.
    if (shared.length === 0) {
      tables.push({ table, before: nothing, after: nothing, ...noDifferences, onlyBefore, onlyAfter });
      continue;
    }
    const digests = {
      before: await digestOf(client, before, table, shared),
      after: await digestOf(client, after, table, shared),
    };
    const isEqual =
      digests.before.rows === digests.after.rows && digests.before.digest === digests.after.digest;
    const differences = isEqual
      ? noDifferences
      : await differencesOf(client, { table, keys, columns: shared, before, after, samplesMax });
    tables.push({ table, ...digests, ...differences, onlyBefore, onlyAfter });
  }
  const changes = tables.reduce((sum, { added, removed, changed }) => sum + added + removed + changed, 0);
  return { tables, changes };
}
