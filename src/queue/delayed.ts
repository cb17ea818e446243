/** Items that wait for their time, behind one timer however many they are. */
export interface Delayed<Item> {
  readonly size: number;
  add(item: Item, delayMs: number): void;
  /** Forgets all, and stops the timer. */
  clear(): void;
}

/** Node fires a longer timer at once. */
const timerMsMax = 2 ** 31 - 1;

interface Waiting<Item> {
  readonly item: Item;
  readonly dueAtMs: number;
  /** Of two that are due together, the one that was added first comes first. */
  readonly order: number;
}

/**
 * @param now milliseconds of a clock that never goes back
 * @param onDue called once for each item, never early, in the order of their times
 */
export function createDelayed<Item>(now: () => number, onDue: (item: Item) => void): Delayed<Item> {
  const heap: Waiting<Item>[] = [];
  let added = 0;
  let timer: NodeJS.Timeout | null = null;
  let timerAtMs = Number.POSITIVE_INFINITY;

  function wakeForFirst(): void {
    const first = heap[0];
    if (first === undefined || first.dueAtMs >= timerAtMs) return;
    if (timer !== null) clearTimeout(timer);
    timerAtMs = first.dueAtMs;
    timer = setTimeout(wake, Math.min(timerMsMax, Math.max(0, Math.ceil(timerAtMs - now()))));
  }

  function wake(): void {
    timer = null;
    timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = now();
    for (let first = heap[0]; first !== undefined && first.dueAtMs <= nowMs; first = heap[0]) {
      removeFirst(heap);
      onDue(first.item);
    }
    // A timer may fire a fraction of a millisecond early.
    wakeForFirst();
  }

  return {
    get size() {
      return heap.length;
    },
    add(item, delayMs) {
      insert(heap, { item, dueAtMs: now() + delayMs, order: added++ });
      wakeForFirst();
    },
    clear() {
      heap.length = 0;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      timerAtMs = Number.POSITIVE_INFINITY;
    },
  };
}

function insert<Item>(heap: Waiting<Item>[], added: Waiting<Item>): void {
  let at = heap.length;
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt];
    if (parent === undefined || isBefore(parent, added)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = added;
}

function removeFirst<Item>(heap: Waiting<Item>[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const leftAt = 2 * at + 1;
    const left = heap[leftAt];
    if (left === undefined) break;
    const right = heap[leftAt + 1];
    const [childAt, child] =
      right !== undefined && isBefore(right, left)
        ? ([leftAt + 1, right] as const)
        : ([leftAt, left] as const);
    if (isBefore(last, child)) break;
    heap[at] = child;
    at = childAt;
  }
  heap[at] = last;
}

function isBefore<Item>(a: Waiting<Item>, b: Waiting<Item>): boolean {
  return a.dueAtMs === b.dueAtMs ? a.order < b.order : a.dueAtMs < b.dueAtMs;
}
