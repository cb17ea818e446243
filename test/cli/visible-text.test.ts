import fc from 'fast-check';
import { expect, test } from 'vitest';
import { durationText } from '../../src/cli/duration-text.ts';
import { formatTable } from '../../src/cli/table.ts';
import { clip, columnsOf, pad, shown, visibleText } from '../../src/cli/visible-text.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom('a', '\u001b[2J', '\u202e', '\r', '\n', '語', '\u0301', '🎵', '\u009b', '\ud800'),
  }),
);

test('nothing that a terminal would act on is left in a visible text', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(visibleText(text)).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
  expect(visibleText('a\u001b[31mb\nc\u202ed')).toBe('a\\u{1b}[31mb\\nc\\u{202e}d');
});

test('letters of every script stay as they are', () => {
  for (const text of ['Tiësto', 'Кино', '宇多田ヒカル', 'אביב', '!!! (Chk Chk Chk)', '🎵']) {
    expect(visibleText(text)).toBe(text);
  }
});

test('a clipped text never takes more columns than allowed, and a short one is unchanged', () => {
  fc.assert(
    fc.property(anyText.map(visibleText), fc.integer({ min: 1, max: 40 }), (text, columns) => {
      const clipped = clip(text, columns);
      expect(columnsOf(clipped)).toBeLessThanOrEqual(columns);
      if (columnsOf(text) <= columns) expect(clipped).toBe(text);
    }),
  );
});

test('wide characters take two columns, combining ones none', () => {
  expect(columnsOf('語a')).toBe(3);
  expect(columnsOf('e\u0301')).toBe(1);
  expect(pad('語', 4)).toBe('語  ');
  expect(shown('語語語', 4)).toBe('語…');
});

test('the columns of a table begin at the same place in every row', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '語', 'é'), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
      const starts = formatTable(rows)
        .split('\n')
        .map((line) => columnsOf(line.slice(0, line.lastIndexOf(' ') + 1)));
      expect(new Set(starts).size).toBe(1);
    }),
  );
});

test('a duration is said in at most two units', () => {
  const said = [0, 20, 999.6, 1234, 9960, 59_600, 61_000, 3_599_600, 9_000_000, 90_000_000, Number.NaN];
  expect(said.map(durationText)).toEqual([
    '0 ms',
    '20 ms',
    '1 s',
    '1.2 s',
    '10 s',
    '1 min',
    '1 min 1 s',
    '1 h',
    '2 h 30 min',
    '1 d 1 h',
    'unknown',
  ]);
});
