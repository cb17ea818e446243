import fc from 'fast-check';
import { expect, it } from 'vitest';
import { answerLimits, boundCandidates, isAnswer } from '../../src/domain/answer.ts';
import { settles } from '../../src/domain/lookup.ts';
import { anyCandidate, anyOutcome, matching } from '../support/generators.ts';

const anyLongCandidate = fc
  .tuple(anyCandidate, fc.string({ unit: 'binary', maxLength: 2000 }))
  .map(([candidate, title]) => ({ ...candidate, title }));

it('candidates are kept in their order, as many as fit together', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(anyCandidate, anyLongCandidate), { maxLength: 8 }), (candidates) => {
      const kept = boundCandidates(candidates);
      expect(candidates.filter((one) => kept.includes(one))).toEqual(kept);
      expect(kept.length).toBeLessThanOrEqual(answerLimits.candidatesMax);
      expect(new TextEncoder().encode(JSON.stringify(kept)).length).toBeLessThanOrEqual(
        answerLimits.bytesMax,
      );
      const short = candidates.every((one) => JSON.stringify(one).length < 600);
      if (short) expect(kept.length).toBe(Math.min(candidates.length, answerLimits.candidatesMax));
    }),
  );
});

it('a candidate that is too long by itself makes room for the next', () => {
  const long = { ...matching, title: 'x'.repeat(answerLimits.bytesMax) };
  expect(boundCandidates([long, matching])).toEqual([matching]);
});

it('what is kept and shared is what answers; a refused query is not asked again either, but shared with nobody', () => {
  fc.assert(
    fc.property(anyOutcome, (outcome) => {
      expect(isAnswer(outcome)).toBe(outcome.kind === 'found' || outcome.kind === 'missing');
      expect(settles(outcome)).toBe(isAnswer(outcome) || outcome.kind === 'misused');
    }),
  );
});
