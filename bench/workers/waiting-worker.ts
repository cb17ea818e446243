/** `cli worker` whose every append waits first, as a handler with something slow in it does. WAIT_MS: how long. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openLedgerAt } from '../../src/app.ts';
import { runWorker } from '../../src/cli/commands/worker.ts';

await runWorker('real-time', {
  async openLedger(url) {
    const ledger = await openLedgerAt(url);
    return {
      ...ledger,
      async append(...args) {
        await sleep(Number(process.env.WAIT_MS));
        return ledger.append(...args);
      },
    };
  },
});
