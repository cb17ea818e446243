import { randomUUID } from 'node:crypto';
import { openEventStoreLedger } from '../../../src/ledger/eventstoredb.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import { namespaced } from '../namespaced.ts';
import type { Storage } from '../storage.ts';

/** A namespace of its own on a server that tests share. */
export async function openEventStoreStorage(url: string, namespace = `${randomUUID()}-`): Promise<Storage> {
  const opened: Ledger[] = [];
  return {
    async open() {
      const ledger = await openEventStoreLedger({ url });
      opened.push(ledger);
      return namespaced(ledger, namespace);
    },
    drop: async () => void (await Promise.all(opened.map((ledger) => ledger.close()))),
  };
}
