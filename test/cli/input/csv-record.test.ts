import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { detectDelimiter, splitCsvRecord } from '../../../src/cli/input/csv-record.ts';

const delimiter = fc.constantFrom(',' as const, ';' as const, '\t' as const);
const field = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('a', '"', ',', ';', '\t', '\n', '\r', ' ', 'é', '語') }),
);
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

test('fields written with quotes come back as they were', () => {
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 6 }), delimiter, (fields, by) => {
      expect(splitCsvRecord(fields.map(quoted).join(by), by)).toEqual({ kind: 'fields', fields });
    }),
  );
});

test('well-formed records are read as csv-parse reads them', () => {
  const plain = fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'é', '-', "'") });
  const written = fc.oneof(
    field.map(quoted),
    plain.filter((text) => text.trim() !== ''),
  );
  fc.assert(
    fc.property(fc.array(written, { minLength: 1, maxLength: 6 }), delimiter, (fields, by) => {
      const text = fields.join(by);
      const [expected] = parse(text, { delimiter: by, record_delimiter: '\u0000' });
      expect(splitCsvRecord(text, by)).toEqual({ kind: 'fields', fields: expected });
    }),
  );
});

test('a record that is cut off inside a quoted field is open', () => {
  fc.assert(
    fc.property(fc.array(field), field, delimiter, (fields, last, by) => {
      const text = [...fields.map(quoted), `"${last.replaceAll('"', '""')}`].join(by);
      return splitCsvRecord(text, by).kind === 'open';
    }),
  );
});

test('whatever the text, it is split without an exception', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '"', ',', ' ', '\n') }), (text) => {
      expect(['fields', 'open', 'broken']).toContain(splitCsvRecord(text, ',').kind);
    }),
  );
});

test('a quote inside an unquoted field is broken, except between tabs', () => {
  expect(splitCsvRecord('Foo,12" mix', ',').kind).toBe('broken');
  expect(splitCsvRecord('Foo,"12" mix', ',').kind).toBe('broken');
  expect(splitCsvRecord('Foo\t12" mix\t"Heroes" (live)', '\t')).toEqual({
    kind: 'fields',
    fields: ['Foo', '12" mix', '"Heroes" (live)'],
  });
});

test('spaces around a quoted field are let pass', () => {
  expect(splitCsvRecord('a, "b, c" ,d', ',')).toEqual({ kind: 'fields', fields: ['a', 'b, c', 'd'] });
});

test('the delimiter is the one that separates the names of the header', () => {
  expect(detectDelimiter('artist,title')).toBe(',');
  expect(detectDelimiter('artist;title;isrc')).toBe(';');
  expect(detectDelimiter('artist\ttitle')).toBe('\t');
  expect(detectDelimiter('"a;b;c",title')).toBe(',');
  expect(detectDelimiter('title')).toBe(',');
});
