import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type FlightValue, readFlightValue } from '../../src/workers/flight-value.ts';
import { anyNoAnswer, anySharedAnswer } from '../support/generators.ts';

const anyValue: fc.Arbitrary<FlightValue> = fc.oneof(
  anySharedAnswer.map((shared): FlightValue => ({ kind: 'answer', shared })),
  fc.record({ kind: fc.constant('no-answer' as const), outcome: anyNoAnswer, untilMs: fc.nat() }),
  fc.record({ kind: fc.constant('turned-away' as const), untilMs: fc.nat() }),
);

it('what a flight leaves is read back as it was', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      expect(readFlightValue(JSON.parse(JSON.stringify(value)))).toEqual(value);
    }),
  );
});

it('any other JSON is no value, and never an exception', () => {
  fc.assert(
    fc.property(anyValue, fc.jsonValue(), fc.nat(2), (value, other, at) => {
      const name = Object.keys(value)[at];
      const changed = { ...value, [name ?? 'kind']: other };
      const read = readFlightValue(JSON.parse(JSON.stringify(changed)));
      if (read === null) return;
      expect(typeof read.kind).toBe('string');
      if (read.kind === 'answer') expect(read.shared.answer.kind).toMatch(/^(found|missing)$/);
      else expect(new Date(read.untilMs).toISOString()).toBeTruthy();
      if (read.kind === 'no-answer') expect(typeof read.outcome.kind).toBe('string');
    }),
  );
  for (const odd of [null, 7, 'x', [], { kind: 'answer' }, { kind: 'turned-away', untilMs: 1e300 }]) {
    expect(readFlightValue(odd)).toBeNull();
  }
});
