import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from '../ledger/ledger.ts';

/** Shorter than the health check may take, so that it is the ledger that is named. */
const answerMsMax = 1500;

/** Why the ledger cannot be used at this moment, for `/readyz`; empty: it answers. */
export async function ledgerReasons(ledger: Pick<Ledger, 'head'>): Promise<readonly string[]> {
  const late = sleep(answerMsMax, [`The ledger does not answer within ${answerMsMax / 1000} s.`], {
    ref: false,
  });
  const asked = ledger.head().then(
    () => [],
    (error: unknown) => [error instanceof Error ? error.message : String(error)],
  );
  return Promise.race([asked, late]);
}
