import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import type { Client } from 'pg';
import { OtherVersion } from './checkpoint.ts';
import { connect, liveSchema } from './database.ts';
import { projectionVersion } from './version.ts';

const migrationsFolder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'migrations');
/** Held while migrations are applied, so that processes starting together apply each once. */
const migrationLock = 0x6d696772;

/**
 * Brings a schema of read models up to date, making it where it is missing. Safe to repeat and to run twice at once.
 * Tables of another version are left alone: another program may be writing them.
 *
 * @throws OtherVersion
 */
export async function migrateProjections(options: {
  readonly url: string;
  readonly schema?: string;
}): Promise<void> {
  const { url, schema = liveSchema } = options;
  const client = await connect(url, schema);
  try {
    await client.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    const found = await versionOf(client, schema);
    if (found !== null && found !== projectionVersion) throw new OtherVersion(found);
    await migrate(drizzle(client), {
      migrationsFolder,
      migrationsSchema: schema,
      migrationsTable: 'schema_migrations',
    });
    await client.query('INSERT INTO projection_checkpoint (version) VALUES ($1) ON CONFLICT DO NOTHING', [
      projectionVersion,
    ]);
  } finally {
    await client.end();
  }
}

/** The version of the tables in a schema; null where there are none. Those of before versions were told are 1. */
export async function versionOf(client: Client, schema: string): Promise<number | null> {
  const { rows } = await client.query<{ tables: boolean; versioned: boolean }>(
    `SELECT to_regclass($1) IS NOT NULL AS tables,
            EXISTS (SELECT FROM information_schema.columns
                     WHERE table_schema = $2 AND table_name = 'projection_checkpoint' AND column_name = 'version') AS versioned`,
    [`${schema}.projection_checkpoint`, schema],
  );
  if (rows[0]?.tables !== true) return null;
  if (!rows[0].versioned) return 1;
  const version = await client.query<{ version: number }>(
    `SELECT version FROM ${schema}.projection_checkpoint`,
  );
  return version.rows[0]?.version ?? null;
}
