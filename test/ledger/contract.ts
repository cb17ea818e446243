import { appendContract } from './append-contract.ts';
import { behindContract } from './behind-contract.ts';
import { cutContract } from './cut-contract.ts';
import type { OpenStorage } from './storage.ts';
import { subscribeContract } from './subscribe-contract.ts';

/** What every ledger adapter has to keep. */
export function ledgerContract(name: string, openStorage: OpenStorage): void {
  appendContract(name, openStorage);
  cutContract(name, openStorage);
  subscribeContract(name, openStorage);
  behindContract(name, openStorage);
}
