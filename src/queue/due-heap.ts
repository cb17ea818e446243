/** Items by the time they are due, the earliest first. */
export interface DueHeap<Item> {
  readonly size: number;
  push(dueMs: number, item: Item): void;
  /** When the earliest is due; null where there is none. */
  nextDueMs(): number | null;
  /** Takes the earliest where it is due by then. */
  popDue(nowMs: number): Item | null;
}

export function createDueHeap<Item>(): DueHeap<Item> {
  const heap: { readonly dueMs: number; readonly order: number; readonly item: Item }[] = [];
  let pushed = 0;

  const before = (a: number, b: number) => {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return false;
    return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order);
  };
  const swap = (a: number, b: number) => {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return;
    heap[a] = other;
    heap[b] = one;
  };

  return {
    get size() {
      return heap.length;
    },
    push(dueMs, item) {
      heap.push({ dueMs, order: pushed++, item });
      for (let at = heap.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!before(at, parent)) break;
        swap(at, parent);
        at = parent;
      }
    },
    nextDueMs: () => heap[0]?.dueMs ?? null,
    popDue(nowMs) {
      const first = heap[0];
      if (first === undefined || first.dueMs > nowMs) return null;
      swap(0, heap.length - 1);
      heap.pop();
      for (let at = 0; ; ) {
        const left = 2 * at + 1;
        const least = before(left + 1, left) ? left + 1 : left;
        if (!before(least, at)) break;
        swap(at, least);
        at = least;
      }
      return first.item;
    },
  };
}
