import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { connect, liveSchema } from './database.ts';

const migrationsFolder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'migrations');
/** Held while migrations are applied, so that processes starting together apply each once. */
const migrationLock = 0x6d696772;

/** Brings the read models' schema up to date, making it where it is missing. Safe to repeat and to run twice at once. */
export async function migrateProjections({ url }: { readonly url: string }): Promise<void> {
  const client = await connect(url);
  try {
    await client.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${liveSchema}`);
    await migrate(drizzle(client), {
      migrationsFolder,
      migrationsSchema: liveSchema,
      migrationsTable: 'schema_migrations',
    });
  } finally {
    await client.end();
  }
}
