import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createDueHeap } from '../../src/queue/due-heap.ts';

it('a heap gives what is due by its time, of equal times the one that was pushed first', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), fc.nat(20), (times, nowMs) => {
      const heap = createDueHeap<number>();
      for (const [at, dueMs] of times.entries()) heap.push(dueMs, at);
      const inOrder = times.map((dueMs, at) => ({ dueMs, at })).toSorted((a, b) => a.dueMs - b.dueMs);
      const due = inOrder.filter(({ dueMs }) => dueMs <= nowMs);
      for (const { dueMs, at } of due) {
        expect(heap.nextDueMs()).toBe(dueMs);
        expect(heap.popDue(nowMs)).toBe(at);
      }
      expect(heap.popDue(nowMs)).toBeNull();
      expect(heap.size).toBe(times.length - due.length);
      expect(heap.nextDueMs()).toBe(inOrder[due.length]?.dueMs ?? null);
    }),
  );
});
