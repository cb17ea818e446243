import type { Ledger } from '../../src/ledger/ledger.ts';

/** Storage of its own for one test, empty at first. */
export interface Storage {
  /** One more ledger on the same storage, as another process would open it. */
  open(): Promise<Ledger>;
  /** Closes every ledger that was opened, and removes the storage. */
  drop(): Promise<void>;
}

export type OpenStorage = () => Promise<Storage>;
