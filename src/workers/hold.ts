import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerUnavailable } from '../ledger/ledger.ts';
import type { DeliveryHandler } from '../queue/queue.ts';

const againMsMin = 1000;
const againMsMax = 30_000;

/**
 * Holds deliveries while the ledger is out of reach, and tries them again. A held message keeps its place among
 * those in hand, so the broker gives no more than that; to give it back would make a loop of it.
 */
export function holdWhileLedgerIsAway(
  handle: DeliveryHandler,
  options: {
    /** Aborted when the worker stops: what is held is handed back. */
    readonly signal: AbortSignal;
    /** Why deliveries are held; null: they go on. Called on changes only. */
    readonly onState: (why: string | null) => void;
  },
): DeliveryHandler {
  const { signal, onState } = options;
  let held = 0;
  return async (delivery) => {
    let isHeld = false;
    try {
      for (let againMs = againMsMin; ; againMs = Math.min(againMs * 2, againMsMax)) {
        try {
          return await handle(delivery);
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
