import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deriveTrackId } from '../../src/cli/track-id.ts';

test('the id of an artist and title never changes', () => {
  // Computed once with another language's sha256.
  expect(deriveTrackId('Rush', 'The Spirit Of Radio')).toBe('cd8e43c2f5037c51');
  expect(deriveTrackId('Tie\u0308sto', '  Adagio   for Strings ')).toBe('d1332558128c5d8f');
  expect(deriveTrackId('Кино', 'Группа крови')).toBe('0e8db6d9feaba139');
});

test('case, outer and repeated spaces and the form of accents do not change the id', () => {
  const word = fc.stringMatching(/^[a-zäöüé]{1,8}$/);
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), fc.array(word, { minLength: 1 }), (artist, title) => {
      const plain = deriveTrackId(artist.join(' '), title.join(' '));
      const loud = (words: readonly string[]) => ` ${words.join(' \t ').toUpperCase().normalize('NFD')} `;
      return plain === deriveTrackId(loud(artist), loud(title)) && /^[0-9a-f]{16}$/.test(plain);
    }),
  );
});

test('the border between artist and title counts', () => {
  expect(deriveTrackId('a b', 'c')).not.toBe(deriveTrackId('a', 'b c'));
});
