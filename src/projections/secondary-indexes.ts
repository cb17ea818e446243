import type { Client } from 'pg';

/** Statements that make the indexes of a schema again which no constraint needs. Safe to repeat. */
export async function secondaryIndexes(client: Client, schema: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ definition: string }>(
    `SELECT pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE c.relnamespace = $1::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
      ORDER BY c.relname`,
    [schema],
  );
  return rows.map(({ definition }) =>
    definition.replace(/^CREATE (UNIQUE )?INDEX /, 'CREATE $1INDEX IF NOT EXISTS '),
  );
}

export async function dropSecondaryIndexes(client: Client, schema: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT i.indexrelid::regclass::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE c.relnamespace = $1::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)`,
    [schema],
  );
  for (const { name } of rows) await client.query(`DROP INDEX ${name}`);
}
