import pg, { type Client } from 'pg';
import { quoted } from './table-digest.ts';

export interface ColumnDifference {
  readonly column: string;
  readonly rows: number;
}

/** An event at its place in the ledger. */
export interface CausingEvent {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
}

/** A row that differs; null on the side that does not have it. */
export interface RowDifference {
  readonly table: string;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  /** Where both have it: the columns that differ. */
  readonly columns: readonly string[];
  /** What brought the newer row to what it is; null where that is no one event. */
  readonly event: CausingEvent | null;
}

interface Differences {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly columns: readonly ColumnDifference[];
  readonly samples: readonly RowDifference[];
}

const fetchedMax = 500;

interface Fetched extends Pick<RowDifference, 'before' | 'after'> {
  readonly differing: readonly string[];
}

/** Goes through the rows that differ, a few at a time, and keeps the first of them; their events are not looked up. */
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
  const { samplesMax } = options;
  await client.query(`DECLARE differing NO SCROLL CURSOR FOR ${differingRows(options)}`);
  const counts = { added: 0, removed: 0, changed: 0 };
  const perColumn = new Map<string, number>();
  const samples: RowDifference[] = [];
  for (;;) {
    const { rows } = await client.query<Fetched>(`FETCH ${fetchedMax} FROM differing`);
    if (rows.length === 0) break;
    for (const { before, after, differing } of rows) {
      const kind = before === null ? 'added' : after === null ? 'removed' : 'changed';
      counts[kind] += 1;
      const columns = kind === 'changed' ? differing : [];
      for (const column of columns) perColumn.set(column, (perColumn.get(column) ?? 0) + 1);
      if (samples.length < samplesMax) {
        samples.push({ table: options.table, before, after, columns, event: null });
      }
    }
  }
  await client.query('CLOSE differing');
  const columns = [...perColumn].map(([column, rows]) => ({ column, rows }));
  return { ...counts, columns: columns.sort((a, b) => b.rows - a.rows), samples };
}

/** Values are compared as the text that the digests are made of: as JSON, large numbers would lose their last digits. */
function differingRows(options: Omit<Parameters<typeof differencesOf>[1], 'samplesMax'>): string {
  const { table, keys, columns, before, after } = options;
  const [list, join] = [quoted(columns), quoted(keys)];
  const first = pg.escapeIdentifier(keys[0] ?? '');
  const differing = columns.map((column) => {
    const name = pg.escapeIdentifier(column);
    return `CASE WHEN old_row.${name}::text IS DISTINCT FROM new_row.${name}::text THEN ${pg.escapeLiteral(column)} END`;
  });
  return `SELECT CASE WHEN old_row.${first} IS NULL THEN NULL ELSE to_jsonb(old_row) END AS before,
                 CASE WHEN new_row.${first} IS NULL THEN NULL ELSE to_jsonb(new_row) END AS after,
                 array_remove(ARRAY[${differing.join(', ')}]::text[], NULL) AS differing
            FROM (SELECT ${list} FROM ${before}.${table}) AS old_row
            FULL JOIN (SELECT ${list} FROM ${after}.${table}) AS new_row USING (${join})
           WHERE ROW(old_row.*)::text IS DISTINCT FROM ROW(new_row.*)::text ORDER BY ${join}`;
}
