import pg from 'pg';

/**
 * Somebody else's `tracks` table that is kept in step with the read model. Everything about it that is not in the
 * table itself lives in a schema of its own: a rebuild replaces the schema `enrichment`, and must not replace this.
 */
export interface Attachment {
  readonly schema: string;
  readonly table: string;
  /** The column that holds track ids. */
  readonly key: string;
  /** What the attaching added, to be taken away again. */
  readonly columns: readonly string[];
  readonly constraints: readonly string[];
  readonly indexes: readonly string[];
  /** The text of the view that stood where ours is now; null: there was none. */
  readonly viewBefore: string | null;
}

export const attachmentSchema = 'enrichment_attach';

/** What a person has to put right before a table can be attached, detached or kept in step; the message says how. */
export class AttachedTableError extends Error {
  override readonly name = 'AttachedTableError';
}

/**
 * Between attaching and whoever writes the read models. Both look for the other's work, and without the lock each
 * could miss what the other has not committed yet: the writer takes it shared after it has written its rows, the
 * attaching takes it alone before it reads them.
 */
const attachmentLock = 0x61747461;
const insufficientPrivilege = '42501';

export async function lockAttachment(client: pg.ClientBase): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [attachmentLock]);
}

/**
 * Whether a table is attached; until the end of the transaction that stays so. One look at the catalogue. The answer
 * must not be kept for a later transaction: a table may have been attached meanwhile.
 */
export async function isAttached(client: pg.ClientBase): Promise<boolean> {
  // The catalogue is read as a table, because name look-ups such as to_regclass may answer from before the lock.
  const results = (await client.query(
    `SELECT pg_advisory_xact_lock_shared(${attachmentLock});
     SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = '${attachmentSchema}' AND c.relname = 'attachment'`,
  )) as unknown as readonly pg.QueryResult[];
  return results[1]?.rowCount === 1;
}

/**
 * What is attached, until the end of the transaction; null: nothing.
 *
 * @throws AttachedTableError where the database user may not know
 */
export async function readAttachment(client: pg.ClientBase): Promise<Attachment | null> {
  if (!(await isAttached(client))) return null;
  const read = client.query<Attachment>(
    `SELECT table_schema AS schema, table_name AS table, key_column AS key, columns, constraints, indexes,
            view_before AS "viewBefore"
       FROM ${attachmentSchema}.attachment`,
  );
  const { rows } = await read.catch((cause: unknown) => {
    if (!(cause instanceof pg.DatabaseError) || cause.code !== insufficientPrivilege) throw cause;
    throw new AttachedTableError(
      `A table is attached that this database user may not write (${cause.message}): use the one that attached it, or detach it with "migrate --detach"`,
      { cause },
    );
  });
  return rows[0] ?? null;
}

/** `"schema"."table"`, safe in SQL. */
export function tableSql({ schema, table }: Pick<Attachment, 'schema' | 'table'>): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`;
}

/** `schema.table`, for persons. */
export function tableText({ schema, table }: Pick<Attachment, 'schema' | 'table'>): string {
  return [schema, table]
    .map((name) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : pg.escapeIdentifier(name)))
    .join('.');
}
