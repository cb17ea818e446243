import type { Pool } from 'pg';

/** Held while the schema is made, so that processes starting together make it once. */
const schemaLock = 0x6c656467;

const ddl = `
  CREATE SCHEMA IF NOT EXISTS ledger;
  CREATE TABLE IF NOT EXISTS ledger.events (
    position bigint PRIMARY KEY,
    stream text NOT NULL,
    revision integer NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL,
    data json NOT NULL,
    metadata json NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (stream, revision)
  );
  CREATE TABLE IF NOT EXISTS ledger.head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL
  );
  INSERT INTO ledger.head (position) VALUES (0) ON CONFLICT DO NOTHING;
`;

/** Makes the ledger's tables where they are missing. */
export async function ensureLedgerSchema(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [schemaLock]);
    await client.query(ddl);
    await client.query('COMMIT');
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}
