import { isDeepStrictEqual } from 'node:util';
import pg, { type Client } from 'pg';
import { quoted } from './table-digest.ts';

export interface ColumnDifference {
  readonly column: string;
  readonly rows: number;
}

/** A row that differs; null on the side that does not have it. */
export interface RowDifference {
  readonly table: string;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  /** Where both have it: the columns that differ. */
  readonly columns: readonly string[];
}

interface Differences {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly columns: readonly ColumnDifference[];
  readonly samples: readonly RowDifference[];
}

const fetchedMax = 500;

/** Goes through the rows that differ, a few at a time, and keeps the first of them. */
export async function differencesOf(
  client: Client,
  options: {
    readonly table: string;
    readonly keys: readonly string[];
    readonly columns: readonly string[];
    readonly before: string;
    readonly after: string;
    readonly samplesMax: number;
  },
): Promise<Differences> {
  const { table, keys, columns, before, after, samplesMax } = options;
  const [list, join] = [quoted(columns), quoted(keys)];
  const first = pg.escapeIdentifier(keys[0] ?? '');
  await client.query(
    `DECLARE differing NO SCROLL CURSOR FOR
       SELECT CASE WHEN b.${first} IS NULL THEN NULL ELSE to_jsonb(b) END AS before,
              CASE WHEN a.${first} IS NULL THEN NULL ELSE to_jsonb(a) END AS after
         FROM (SELECT ${list} FROM ${before}.${table}) AS b
         FULL JOIN (SELECT ${list} FROM ${after}.${table}) AS a USING (${join})
        WHERE ROW(b.*)::text IS DISTINCT FROM ROW(a.*)::text ORDER BY ${join}`,
  );
  const counts = { added: 0, removed: 0, changed: 0 };
  const perColumn = new Map<string, number>();
  const samples: RowDifference[] = [];
  for (;;) {
    const { rows } = await client.query<Pick<RowDifference, 'before' | 'after'>>(
      `FETCH ${fetchedMax} FROM differing`,
    );
    if (rows.length === 0) break;
    for (const row of rows) {
      counts[row.before === null ? 'added' : row.after === null ? 'removed' : 'changed'] += 1;
      const differing = differingColumns(row, columns);
      for (const column of differing) perColumn.set(column, (perColumn.get(column) ?? 0) + 1);
      if (samples.length < samplesMax) samples.push({ table, ...row, columns: differing });
    }
  }
  await client.query('CLOSE differing');
  const columnDifferences = [...perColumn].map(([column, rows]) => ({ column, rows }));
  return { ...counts, columns: columnDifferences.sort((a, b) => b.rows - a.rows), samples };
}

function differingColumns(
  { before, after }: Pick<RowDifference, 'before' | 'after'>,
  columns: readonly string[],
): readonly string[] {
  if (before === null || after === null) return [];
  return columns.filter((column) => !isDeepStrictEqual(before[column], after[column]));
}
