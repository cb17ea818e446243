import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeAppend } from '../../src/ledger/codec.ts';
import { appendBytesMax, type JsonObject, LedgerRefusal } from '../../src/ledger/ledger.ts';
import { anyJsonObject, eventOf, storedForm } from './events.ts';

const encode = (data: unknown) =>
  encodeAppend('track-a', [{ ...eventOf(), data: data as JsonObject }])[0]?.data ?? '';

it('the text is JSON of the value, and well-formed Unicode without NUL', () => {
  fc.assert(
    fc.property(anyJsonObject, (data) => {
      const text = encode(data);
      expect(JSON.parse(text)).toEqual(storedForm(data));
      expect(text.isWellFormed()).toBe(true);
      const escapes = text.replaceAll('\\\\', '').match(/\\u(0000|d[89a-f]..)/i);
      expect(escapes).toBeNull();
    }),
  );
});

it('a client that encodes the value by itself writes the same text', () => {
  fc.assert(
    fc.property(anyJsonObject, (data) => {
      const [encoded] = encodeAppend('track-a', [{ ...eventOf(), data }]);
      expect(JSON.stringify(encoded?.json)).toBe(encoded?.data);
    }),
  );
});

it.each<readonly [what: string, data: unknown]>([
  ['NaN', { n: Number.NaN }],
  ['an infinity', { list: [1, Number.POSITIVE_INFINITY] }],
  ['undefined', { a: { b: undefined } }],
  ['a BigInt', { n: 1n }],
  ['a function', { f: () => 1 }],
  ['a symbol', { s: Symbol('s') }],
  ['a circle', circle()],
  ['no object at all', undefined],
])('%s is refused in a sentence that names the stream', (_, data) => {
  expect(() => encode(data)).toThrow(LedgerRefusal);
  expect(() => encode(data)).toThrow(/^track-a: .*\.$/);
});

function circle(): object {
  const self: { self?: object } = {};
  self.self = self;
  return self;
}

it('the limit counts bytes of UTF-8, over all events of the append', () => {
  const third = { text: '€'.repeat(Math.ceil(appendBytesMax / 9)) };
  const events = [eventOf(third), eventOf(third)];
  expect(encodeAppend('track-a', events)).toHaveLength(2);
  expect(() => encodeAppend('track-a', [...events, eventOf(third)])).toThrow(/split it/);
});

it('ids that are no UUIDs are refused, of any version and case are taken', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.boolean(), (id, upper) => {
      const event = { ...eventOf(), id: upper ? id.toUpperCase() : id };
      expect(encodeAppend('track-a', [event])[0]?.id).toBe(event.id);
    }),
  );
  for (const id of ['', 'x', randomUUID().slice(1), `${randomUUID()}\n`]) {
    expect(() => encodeAppend('track-a', [{ ...eventOf(), id }])).toThrow(/not a UUID/);
  }
});
