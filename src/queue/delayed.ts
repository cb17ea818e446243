import { createDueHeap } from './due-heap.ts';

/** Items that wait for their time, behind one timer however many they are. */
export interface Delayed<Item> {
  readonly size: number;
  add(item: Item, delayMs: number): void;
  /** Forgets all, and stops the timer. */
  clear(): void;
}

/** Node fires a longer timer at once. */
const timerMsMax = 2 ** 31 - 1;

/**
 * @param now milliseconds of a clock that never goes back
 * @param onDue called once for each item, never early, in the order of their times
 */
export function createDelayed<Item>(now: () => number, onDue: (item: Item) => void): Delayed<Item> {
  let waiting = createDueHeap<Item>();
  let timer: NodeJS.Timeout | null = null;
  let timerAtMs = Number.POSITIVE_INFINITY;

  function wakeForFirst(): void {
    const dueMs = waiting.nextDueMs();
    if (dueMs === null || dueMs >= timerAtMs) return;
    if (timer !== null) clearTimeout(timer);
    timerAtMs = dueMs;
    timer = setTimeout(wake, Math.min(timerMsMax, Math.max(0, Math.ceil(dueMs - now()))));
  }

  function wake(): void {
    timer = null;
    timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = now();
    for (let item = waiting.popDue(nowMs); item !== null; item = waiting.popDue(nowMs)) onDue(item);
    // A timer may fire a fraction of a millisecond early, and a long wait takes several.
    wakeForFirst();
  }

  return {
    get size() {
      return waiting.size;
    },
    add(item, delayMs) {
      waiting.push(now() + delayMs, item);
      wakeForFirst();
    },
    clear() {
      waiting = createDueHeap();
      if (timer !== null) clearTimeout(timer);
      timer = null;
      timerAtMs = Number.POSITIVE_INFINITY;
    },
  };
}
