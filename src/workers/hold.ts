import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerUnavailable } from '../ledger/ledger.ts';

const againMsMin = 1000;
const againMsMax = 30_000;

/** What stands around handlers, of deliveries and of dead letters alike. */
export type Around = <Given>(handle: (given: Given) => Promise<void>) => (given: Given) => Promise<void>;

/**
 * Holds what is in hand while the ledger is out of reach, and tries it again. A held message keeps its place among
 * those in hand, so the broker gives no more than that; to give it back would make a loop of it, and where the broker
 * counts deliveries, as of RabbitMQ 4, it would be given up.
 */
export function createHold(options: {
  /** Aborted when the worker stops: what is held is handed back. */
  readonly signal: AbortSignal;
  /** Why messages are held; null: they go on. Called on changes only. */
  readonly onState: (why: string | null) => void;
}): Around {
  const { signal, onState } = options;
  let held = 0;
  return (handle) => async (given) => {
    let isHeld = false;
    try {
      for (let againMs = againMsMin; ; againMs = Math.min(againMs * 2, againMsMax)) {
        try {
          return await handle(given);
        } catch (error) {
          if (!(error instanceof LedgerUnavailable) || signal.aborted) throw error;
          if (!isHeld && held++ === 0) onState(error.message);
          isHeld = true;
          await sleep(againMs, undefined, { signal });
        }
      }
    } finally {
      if (isHeld && --held === 0) onState(null);
    }
  };
}
