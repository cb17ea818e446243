import fc from 'fast-check';
import { providers } from '../../src/domain/provider.ts';
import { defaultRules, type Rules } from '../../src/domain/rules.ts';

const anyTrust = fc.shuffledSubarray([...providers]);
const anyConfidence = fc.constantFrom(0.5, 0.85, 0.95, 1);

/** Rules of which some are those of workers. */
export const anyRules: fc.Arbitrary<Rules> = fc.oneof(
  { arbitrary: fc.constant(defaultRules), weight: 1 },
  {
    arbitrary: fc.record({
      matching: fc.record({
        isrcIsEnough: fc.boolean(),
        durationToleranceMs: fc.constantFrom(0, 2000, 5000, 100_000),
        confidence: fc.record({
          sameIsrc: anyConfidence,
          sameDuration: anyConfidence,
          sameNames: anyConfidence,
        }),
        confidenceMin: fc.constantFrom(0, 0.9, 1),
      }),
      merging: fc.record({
        trust: anyTrust,
        trustByField: fc.record(
          { genre: anyTrust, bpm: anyTrust, releaseDate: anyTrust },
          { requiredKeys: [] },
        ),
      }),
    }),
    weight: 6,
  },
);
