import { openEmbeddedPostgres } from './embedded/embedded-postgres.ts';
import type { Ledger } from './ledger/ledger.ts';
import { claimLedger } from './ledger/ledger-claim.ts';
import { openPostgresLedger } from './ledger/postgres.ts';
import { OtherVersion } from './projections/checkpoint.ts';
import { migrateProjections } from './projections/migrate.ts';
import { type Projector, startProjector } from './projections/projector.ts';
import { rebuild } from './projections/rebuild.ts';

/** A ledger, and why it may not be able to go on. */
export interface OpenLedger {
  readonly ledger: Ledger;
  /** Why the database cannot go on; null while nothing is known to be wrong. */
  fault(): Error | null;
  close(): Promise<void>;
}

/** The ledger and the read models of a data folder, without workers: enough to ask about tracks. */
export interface Store extends OpenLedger {
  readonly databaseUrl: string;
}

export interface StoreOptions {
  readonly dataDir: string;
  /** `esdb://…` or `postgres://…`; null: the ledger is in the data folder. */
  readonly ledgerUrl: string | null;
  /** Told in a sentence of what takes a while. */
  readonly say?: (sentence: string) => void;
}

/** The ledger at an address. */
export async function openLedgerAt(url: string): Promise<Ledger> {
  if (!url.startsWith('esdb')) return openPostgresLedger({ url });
  // Its client takes a while to load, which only those who use it have to wait for.
  const { openEventStoreLedger } = await import('./ledger/eventstoredb.ts');
  return openEventStoreLedger({ url });
}

/** The ledger alone. That of a data folder brings its PostgreSQL along. */
export async function openLedger({ dataDir, ledgerUrl }: StoreOptions): Promise<OpenLedger> {
  if (ledgerUrl === null) return openStore({ dataDir, ledgerUrl });
  const ledger = await openLedgerAt(ledgerUrl);
  return { ledger, fault: () => null, close: () => ledger.close() };
}

/** Opens a data folder: its PostgreSQL, its read models, and the ledger that they are made from. */
export async function openStore({ dataDir, ledgerUrl, say }: StoreOptions): Promise<Store> {
  const postgres = await openEmbeddedPostgres({ dataDir });
  try {
    await claimLedger(dataDir, ledgerUrl);
    const ledger = ledgerUrl === null ? await openPostgresLedger(postgres) : await openLedgerAt(ledgerUrl);
    await bringUpToDate(ledger, postgres.url, say);
    return {
      ledger,
      databaseUrl: postgres.url,
      fault: postgres.fault,
      async close() {
        await ledger.close();
        await postgres.stop();
      },
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/** The tables of a data folder are nobody else's: those of another version are made anew at once. */
async function bringUpToDate(ledger: Ledger, url: string, say?: StoreOptions['say']): Promise<void> {
  try {
    await migrateProjections({ url });
  } catch (error) {
    if (!(error instanceof OtherVersion)) throw error;
    say?.('The read models are of another version: they are made anew from the ledger.');
    await rebuild({
      ledger,
      url,
      fromScratch: true,
      signal: new AbortController().signal,
      onProgress: () => undefined,
      samplesMax: 0,
      mayReplace: null,
    });
  }
}

/** Follows the ledger into the read models. */
export function openProjector(store: Pick<Store, 'ledger' | 'databaseUrl'>): Projector {
  return startProjector({ ledger: store.ledger, url: store.databaseUrl });
}
