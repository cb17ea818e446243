import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createFifo } from '../../src/queue/fifo.ts';

it('a fifo gives back what was pushed, in order, whatever the turns', () => {
  const turns = fc.array(fc.record({ push: fc.nat(1500), shift: fc.nat(1500) }), { maxLength: 6 });
  fc.assert(
    fc.property(turns, (rounds) => {
      const fifo = createFifo<number>();
      let pushed = 0;
      let shifted = 0;
      for (const { push, shift } of rounds) {
        for (let n = 0; n < push; n++) fifo.push(pushed++);
        for (let n = 0; n < shift; n++) {
          expect(fifo.shift()).toBe(shifted < pushed ? shifted++ : undefined);
        }
        expect(fifo.size).toBe(pushed - shifted);
      }
    }),
    { numRuns: 30 },
  );
});
