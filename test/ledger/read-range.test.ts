import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type RecordedEvent, readCountMax } from '../../src/ledger/ledger.ts';
import { readRange } from '../../src/ledger/read-range.ts';
import { eventOf } from './events.ts';

it('a part of a stream is read whole, however often it has to be asked for, and never beyond its end', async () => {
  const anyPlace = fc.nat(3 * readCountMax);
  await fc.assert(
    fc.asyncProperty(anyPlace, anyPlace, fc.option(anyPlace), async (length, from, to) => {
      const event = { ...eventOf(), stream: 's', position: '' };
      const stream = Array.from({ length }, (_, revision): RecordedEvent => ({ ...event, revision }));
      let reads = 0;
      const ledger = {
        read: async (_: string, { from: first = 0, maxCount = readCountMax } = {}) => {
          reads += 1;
          return stream.slice(first, first + Math.min(maxCount, readCountMax));
        },
      };
      const read = await readRange(ledger, 's', from, to ?? undefined);
      expect(read.map(({ revision }) => revision)).toEqual(
        stream.slice(from, to === null ? undefined : to + 1).map(({ revision }) => revision),
      );
      expect(reads).toBeLessThanOrEqual(Math.floor(read.length / readCountMax) + 1);
    }),
    { numRuns: 50 },
  );
});
