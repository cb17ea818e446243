import type { Ledger } from '../../src/ledger/ledger.ts';
import { openPostgresLedger } from '../../src/ledger/postgres.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import type { Storage } from './storage.ts';

export interface PostgresStorage extends Storage {
  readonly database: FreshDatabase;
}

/** A database of its own on the PostgreSQL of the tests. */
export async function openPostgresStorage(): Promise<PostgresStorage> {
  const database = await freshDatabase();
  const opened: Ledger[] = [];
  return {
    database,
    async open() {
      const ledger = await openPostgresLedger({ url: database.url });
      opened.push(ledger);
      return ledger;
    },
    async drop() {
      await Promise.all(opened.map((ledger) => ledger.close()));
      await database.drop();
    },
  };
}
