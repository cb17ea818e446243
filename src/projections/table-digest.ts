import pg, { type Client } from 'pg';

/** What a table holds, in two numbers: equal if and only if the rows are, whatever their order. */
export interface TableDigest {
  readonly rows: number;
  /** The sum of two 64-bit hashes of every row as text. */
  readonly digest: string;
}

export const quoted = (names: readonly string[]) => names.map((name) => pg.escapeIdentifier(name)).join(', ');

export async function digestOf(
  client: Client,
  schema: string,
  table: string,
  columns: readonly string[],
): Promise<TableDigest> {
  const { rows } = await client.query<{ rows: string; digest: string }>(
    `SELECT count(*) AS rows,
            coalesce(sum(hashtextextended(line, 0)::numeric), 0) || ' ' || coalesce(sum(hashtextextended(line, 1)::numeric), 0) AS digest
       FROM (SELECT ROW(${quoted(columns)})::text AS line FROM ${schema}.${table}) AS lines`,
  );
  return { rows: Number(rows[0]?.rows ?? 0), digest: rows[0]?.digest ?? '' };
}

/** The columns that both tables have, and those that only one has. */
export async function sharedColumns(
  client: Client,
  table: string,
  before: string,
  after: string,
): Promise<{
  readonly shared: readonly string[];
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
}> {
  const columnsOf = async (schema: string) => {
    const { rows } = await client.query<{ name: string; type: string }>(
      `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
        WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
      [`${schema}.${table}`],
    );
    return rows;
  };
  const [ones, others] = [await columnsOf(before), await columnsOf(after)];
  const isIn = (list: typeof ones, { name, type }: (typeof ones)[number]) =>
    list.some((column) => column.name === name && column.type === type);
  return {
    shared: ones.filter((column) => isIn(others, column)).map(({ name }) => name),
    onlyBefore: ones.filter((column) => !isIn(others, column)).map(({ name }) => name),
    onlyAfter: others.filter((column) => !isIn(ones, column)).map(({ name }) => name),
  };
}
