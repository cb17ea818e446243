import pg from 'pg';
import { attachedColumns } from './attached-columns.ts';
import { AttachedTableError, attachmentSchema, tableText } from './attachment.ts';
import { liveSchema } from './database.ts';

/** A table that is not ours, looked at before it is attached. */
export interface ForeignTable {
  readonly schema: string;
  readonly table: string;
  readonly oid: string;
  readonly key: string;
  /** Whether an index of the table serves the look-up by key as text. */
  readonly keyIndexed: boolean;
}

/** Types whose text is the same everywhere, so that it can be a track id, and can be indexed. */
const keyTypes = ['text', 'varchar', 'bpchar', 'int2', 'int4', 'int8', 'uuid'];
const textTypes = ['text', 'varchar'];
const ownSchemas = [liveSchema, `${liveSchema}_next`, `${liveSchema}_prev`, attachmentSchema];

/** Names as they are written in SQL: folded to lower case unless quoted. */
export async function parseNames(
  client: pg.ClientBase,
  { table, key }: { readonly table: string; readonly key: string },
): Promise<{ readonly schema: string; readonly table: string; readonly key: string }> {
  const parse = async (text: string, parts: number, wanted: string) => {
    const { rows } = await client
      .query<{ names: string[] }>('SELECT parse_ident($1) AS names', [text])
      .catch((cause: unknown) => {
        if (cause instanceof pg.DatabaseError) return { rows: [] };
        throw cause;
      });
    const names = rows[0]?.names ?? [];
    if (names.length === parts) return names;
    throw new AttachedTableError(
      `"${text}" is not ${wanted}; a name with capitals or blanks stands in double quotes.`,
    );
  };
  const [schema = '', name = ''] = await parse(table, 2, 'a table with its schema, such as public.tracks');
  const [column = ''] = await parse(key, 1, 'the name of a column, such as track_id');
  return { schema, table: name, key: column };
}

/** @throws AttachedTableError where it cannot be attached */
export async function findForeignTable(
  client: pg.ClientBase,
  names: { readonly schema: string; readonly table: string; readonly key: string },
): Promise<ForeignTable> {
  const { schema, table, key } = names;
  const text = tableText(names);
  const refuse = (sentence: string) => new AttachedTableError(sentence);
  if (ownSchemas.includes(schema)) {
    throw refuse(`${text} belongs to the read models, which have these columns already.`);
  }
  const { rows } = await client.query<{ oid: string; kind: string; family: boolean }>(
    `SELECT c.oid, c.relkind AS kind,
            EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid)) AS family
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = $2`,
    [schema, table],
  );
  const [found] = rows;
  if (found === undefined) throw refuse(`There is no table ${text} in this database.`);
  if (found.kind !== 'r' || found.family) {
    throw refuse(
      `${text} is not a plain table: views, partitioned and inherited tables cannot be attached; name a table that holds the rows itself.`,
    );
  }
  const columns = await columnsOf(client, found.oid);
  const keyColumn = columns.get(key);
  if (keyColumn === undefined) {
    throw refuse(`${text} has no column ${pg.escapeIdentifier(key)}: name the one that holds the track ids.`);
  }
  if (!keyTypes.includes(keyColumn.baseType)) {
    throw refuse(
      `The column ${pg.escapeIdentifier(key)} of ${text} is ${keyColumn.type}: a key is text, an integer or a uuid.`,
    );
  }
  for (const { name, type } of attachedColumns) {
    const there = columns.get(name);
    if (there === undefined || (there.type === type && there.settable)) continue;
    throw refuse(
      `${text} has a column ${name} already, and it is not a plain, nullable ${type}: rename it first.`,
    );
  }
  const { rowCount } = await client.query(
    `SELECT FROM pg_index WHERE indrelid = $1 AND indisvalid AND indpred IS NULL AND indkey[0] = $2`,
    [found.oid, keyColumn.number],
  );
  const keyIndexed = textTypes.includes(keyColumn.baseType) && rowCount !== 0;
  return { schema, table, oid: found.oid, key, keyIndexed };
}

interface Column {
  readonly type: string;
  /** The type under a domain. */
  readonly baseType: string;
  /** It takes any value, and none. */
  readonly settable: boolean;
  readonly number: number;
}

export async function columnsOf(client: pg.ClientBase, oid: string): Promise<ReadonlyMap<string, Column>> {
  const { rows } = await client.query<Column & { name: string }>(
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnum AS number,
            coalesce(b.typname, t.typname) AS "baseType", NOT a.attnotnull AND a.attgenerated = '' AS settable
       FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype
      WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped`,
    [oid],
  );
  return new Map(rows.map(({ name, ...column }) => [name, column]));
}
