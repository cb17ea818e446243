import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLateness } from '../../src/providers/lateness.ts';

const anyLateMs = fc.array(fc.oneof(fc.nat(60), fc.nat(3000)), { maxLength: 60 });

it('who is in time asks for nothing and misses nothing', () => {
  const lateness = createLateness(1000);
  for (const lateMs of [0, 3, 25, -4, 1]) expect(lateness.isMissed(lateMs, lateness.declaredMs)).toBe(false);
  expect(lateness.declaredMs).toBe(0);
});

it('between a slot that is used and the next one lies an interval, less what is in time; one in four may be forced', () => {
  fc.assert(
    fc.property(fc.constantFrom(100, 200, 1000), anyLateMs, (intervalMs, lates) => {
      const lateness = createLateness(intervalMs);
      let missed = 0;
      for (const lateMs of lates) {
        const { declaredMs } = lateness;
        expect(declaredMs).toBeLessThanOrEqual(intervalMs);
        if (lateness.isMissed(lateMs, declaredMs)) {
          missed += 1;
          expect(missed).toBeLessThanOrEqual(3);
          continue;
        }
        if (missed < 3) expect(intervalMs + declaredMs - lateMs).toBeGreaterThanOrEqual(intervalMs - 50);
        missed = 0;
      }
    }),
  );
});

it('who is late each time has longer slots after the first that it missed, and shorter ones when that is over', () => {
  const lateness = createLateness(1000);
  expect(lateness.isMissed(400, 0)).toBe(true);
  expect(lateness.declaredMs).toBe(400);
  expect(lateness.isMissed(430, lateness.declaredMs)).toBe(false);
  for (let n = 0; n < 40; n++) lateness.isMissed(1, lateness.declaredMs);
  expect(lateness.declaredMs).toBe(0);
});

it('nobody is late where there is no rate', () => {
  const lateness = createLateness(0);
  expect(lateness.isMissed(5000, 0)).toBe(false);
  expect(lateness.declaredMs).toBe(0);
});
