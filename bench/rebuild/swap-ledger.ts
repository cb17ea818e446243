/** A rebuild with comparison and swap, in a process of its own, which says when the swap began and ended. */
import { openLedgerAt } from '../../src/app.ts';
import { rebuild } from '../../src/projections/rebuild.ts';

const { BENCH_URL: url = '' } = process.env;
const ledger = await openLedgerAt(url);
let comparedMs = 0;
const { comparison, isSwapped } = await rebuild({
  ledger,
  url,
  fromScratch: true,
  signal: new AbortController().signal,
  samplesMax: 5,
  onProgress: () => undefined,
  mayReplace() {
    comparedMs = Date.now();
    return true;
  },
});
await ledger.close();
console.log(
  JSON.stringify({ comparedMs, swappedMs: Date.now(), isSwapped, changes: comparison?.changes ?? null }),
);
