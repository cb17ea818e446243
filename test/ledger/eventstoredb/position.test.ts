import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodePosition, encodePosition, isAtOrAfter } from '../../../src/ledger/eventstoredb-position.ts';

const position = fc.record({
  commit: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  prepare: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
});

it('a position reads back as it was, beyond what a number can hold', () => {
  fc.assert(
    fc.property(position, (one) => {
      expect(decodePosition(encodePosition(one))).toEqual(one);
    }),
  );
});

it('positions are ordered by commit, then by prepare', () => {
  fc.assert(
    fc.property(position, position, (one, other) => {
      const [a, b] = [encodePosition(one), encodePosition(other)];
      expect(isAtOrAfter(a, a)).toBe(true);
      expect(isAtOrAfter(a, b) || isAtOrAfter(b, a)).toBe(true);
      if (one.commit !== other.commit) expect(isAtOrAfter(a, b)).toBe(one.commit > other.commit);
      else expect(isAtOrAfter(a, b)).toBe(one.prepare >= other.prepare);
    }),
  );
});

it('the position of another ledger is refused in a sentence', () => {
  for (const text of ['', '17', '1/2/3', '-1/1', 'a/b'])
    expect(() => decodePosition(text)).toThrow(/another ledger\?$/);
});
