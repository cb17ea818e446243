import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  guestsOf,
  normaliseArtists,
  normaliseIsrc,
  normaliseText,
  normaliseTitle,
} from '../../src/domain/normalise.ts';
import { anyIsrc } from '../support/generators.ts';

/** Text of any kind: well formed or with lone surrogates, of any script, of what normalising turns on. */
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
  fc.string({
    unit: fc.constantFrom(
      '(',
      '[',
      ')',
      ']',
      'feat. ',
      'ft ',
      'with ',
      'A',
      'b',
      ' ',
      '&',
      'é',
      'İ',
      'ß',
      '!',
      '（',
    ),
  }),
);

/**
 * Words in scripts whose letters have a case that can be changed there and back. One that transliterates to nothing,
 * such as a lone soft sign, is something only where it stands alone.
 */
const anyWord = fc
  .stringMatching(/^[a-zà-öø-ÿа-яёά-ώ]{1,8}$/)
  .filter((word) => /[a-z0-9]/.test(normaliseText(word)));
const anyWords = fc.array(anyWord, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));

describe('whatever it is given, normalising', () => {
  it.each<[string, (text: string) => string]>([
    ['a text', normaliseText],
    ['a title', normaliseTitle],
    ['artists', (text) => normaliseArtists([text])],
  ])('%s comes to something, and done twice to the same', (_, normalise) => {
    fc.assert(
      fc.property(anyText, (text) => {
        const once = normalise(text);
        expect(normalise(once)).toBe(once);
        expect(once === '').toBe(text.normalize('NFKC').trim() === '');
        expect(once).not.toMatch(/^\s|\s$|\s\s/);
      }),
      { numRuns: 1000 },
    );
  });

  it('a text that has any letter or digit leaves only small ones of ASCII and single spaces', () => {
    fc.assert(
      fc.property(anyWords, anyText, (words, text) => {
        expect(normaliseText(`${text} ${words}`)).toMatch(/^[a-z0-9]+( [a-z0-9]+)*$/);
      }),
    );
  });
});

describe('a text stays the same', () => {
  it.each<[string, (text: string) => string]>([
    ['capitals', (text) => text.toUpperCase()],
    ['decomposed letters', (text) => text.normalize('NFD')],
    ['more space', (text) => `\u00a0 ${text.replaceAll(' ', ' \t\u3000')}\n`],
    ['punctuation around and between words', (text) => `“${text.replaceAll(' ', ' - ')}”!`],
  ])('with %s', (_, change) => {
    fc.assert(
      fc.property(anyWords, (words) => {
        expect(normaliseText(change(words))).toBe(normaliseText(words));
      }),
    );
  });

  it.each([
    ['Tiësto', 'tiesto'],
    ['Кино', 'kino'],
    ['Sigur Rós', 'sigur ros'],
    ['Motörhead', 'motorhead'],
    ['Ænima', 'aenima'],
    ['Don’t Stop ’Til', 'dont stop til'],
    ['Rock & Roll', 'rock and roll'],
    ['P!nk', 'p nk'],
    ['Ｆｕｌｌ', 'full'],
    ['!!!', '!!!'],
    ['( \t (', '( ('],
    ['\ud800', '\ud800'],
    ['\ua7d2', 'thth'],
  ])('%j becomes %j', (text, normalised) => {
    expect(normaliseText(text)).toBe(normalised);
  });

  it('texts that are nothing but signs differ as their signs do', () => {
    expect(normaliseText('!!!')).not.toBe(normaliseText('???'));
  });
});

describe('a title', () => {
  it.each([
    ['Song (feat. B)', 'song', ['B']],
    ['Song [ft. B & C]', 'song', ['B & C']],
    ['Song (Featuring B) [Live]', 'song live', ['B']],
    ['Song (feat.B)', 'song', ['B']],
    ['Song（feat. B）', 'song', ['B']],
    ['Song (with B)', 'song', ['B']],
    ['Song (feat. B) (with C)', 'song', ['B', 'C']],
    ['Song (Live)', 'song live', []],
    ['Song (Without You)', 'song without you', []],
    ['Song (Feature)', 'song feature', []],
    ['Song (ft.)', 'song', []],
    ['(feat. B)', 'feat b', ['B']],
    ['Song (feat. B', 'song feat b', []],
  ])('%j is compared as %j, with guests %j', (title, compared, guests) => {
    expect([normaliseTitle(title), guestsOf(title)]).toEqual([compared, guests]);
  });

  it('of any length takes no time to speak of', () => {
    const startMs = performance.now();
    for (const part of ['(', '(feat.', ' ', '(feat. ', '[ft '])
      normaliseTitle(part.repeat(4096 / part.length));
    expect(performance.now() - startMs).toBeLessThan(1000);
  });
});

describe('artists', () => {
  it('are the same in any order, as one text or several, whatever joins them', () => {
    const names = fc.uniqueArray(anyWords, { minLength: 2, maxLength: 4 });
    const joint = fc.constantFrom(
      ' & ',
      ', ',
      ' feat. ',
      ' ft. ',
      ' x ',
      ' vs. ',
      ' and ',
      ' presents ',
      ' / ',
    );
    fc.assert(
      fc.property(names, joint, (artists, between) => {
        const compared = normaliseArtists(artists);
        expect(normaliseArtists(artists.toReversed())).toBe(compared);
        expect(normaliseArtists([artists.join(between)])).toBe(compared);
        expect(normaliseArtists([...artists, ...artists])).toBe(compared);
      }),
    );
  });

  it('whose name has no sound are somebody where they stand alone', () => {
    expect([['ь'], ['ь', 'ё'], ['ь & ё']].map(normaliseArtists)).toEqual(['ь', 'e ь', 'e']);
  });

  it('whose name is a word that joins names are still somebody', () => {
    expect([['X'], ['With'], ['And']].map(normaliseArtists)).toEqual(['x', 'with', 'and']);
  });
});

describe('an ISRC', () => {
  it('is read in any case, with hyphens and spaces, and is its stored form afterwards', () => {
    fc.assert(
      fc.property(anyIsrc, (isrc) => {
        const parts = [isrc.slice(0, 2), isrc.slice(2, 5), isrc.slice(5, 7), isrc.slice(7)];
        expect(normaliseIsrc(isrc)).toBe(isrc);
        expect(normaliseIsrc(` ${parts.join('-').toLowerCase()} `)).toBe(isrc);
        expect(normaliseIsrc(parts.join(' '))).toBe(isrc);
      }),
    );
  });

  it('is 12 characters of ASCII, or the text is none', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyText, fc.string({ unit: fc.constantFrom('ß', 'ı', 'A', '1', '-') })),
        (text) => {
          const isrc = normaliseIsrc(text);
          if (isrc !== null) expect(text.replace(/[\s-]/g, '').toUpperCase()).toBe(isrc);
          if (isrc !== null) expect(text.replace(/[\s-]/g, '')).toHaveLength(12);
        },
      ),
    );
  });

  it.each([
    '',
    'GBAYE060149',
    'GBAYE06014988',
    '1BAYE0601498',
    'ßAYE0601498',
    'ıBAYE0601498',
    'GBAYE060149x',
  ])('%j is none', (text) => expect(normaliseIsrc(text)).toBeNull());
});
