import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTally } from '../../src/redecision/tally.ts';
import { anyRules } from '../support/any-rules.ts';
import { redecisionOf } from '../support/redecided.ts';
import { anyWorkersStream } from '../support/streams.ts';

const anyRedecisions = fc
  .array(fc.tuple(anyWorkersStream, anyRules), { minLength: 1, maxLength: 12 })
  .map((all) =>
    all.flatMap(([{ events }, rules], n) => {
      const redecision = redecisionOf(events, rules);
      return redecision === null ? [] : [{ trackId: `track ${n}`, redecision }];
    }),
  );

const told = (
  all: readonly { trackId: string; redecision: Parameters<ReturnType<typeof createTally>['add']>[1] }[],
) => {
  const tally = createTally();
  for (const { trackId, redecision } of all) tally.add(trackId, redecision);
  return tally;
};

it('counts every change once, and comes to the same in whatever order the tracks come', () => {
  fc.assert(
    fc.property(anyRedecisions, (all) => {
      const tally = told(all);
      const counted = tally.kinds().reduce((sum, { count }) => sum + count, 0);
      expect(counted).toBe(all.reduce((sum, { redecision }) => sum + redecision.changes.length, 0));
      const other = told(all.toReversed());
      expect(other.kinds()).toEqual(tally.kinds());
      expect(other.examples(10)).toEqual(tally.examples(10));
    }),
  );
});

it('shows one example of a kind, the widest gap of confidence first', () => {
  fc.assert(
    fc.property(anyRedecisions, (all) => {
      const tally = told(all);
      const examples = tally.examples(10);
      expect(examples).toHaveLength(Math.min(10, tally.kinds().length));
      const gaps = examples.map(({ change: { before, after } }) =>
        Math.abs((before?.confidence ?? 0) - (after?.confidence ?? 0)),
      );
      expect(gaps).toEqual(gaps.toSorted((a, b) => b - a));
    }),
  );
});
