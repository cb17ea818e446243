import { JsonText } from './json-text.ts';

/**
 * Rows as the bytes of a binary COPY: the server parses nothing, and memory outside of the heap is none of the collector's
 * business. Every field has its length before it; none is told by -1.
 *
 * @see https://www.postgresql.org/docs/15/sql-copy.html, and the receiving functions of the types
 */
export interface CopyBinary {
  beginRow(fields: number): void;
  none(): void;
  text(value: string): void;
  /** A text that is UTF-8 already. */
  bytes(value: Uint8Array): void;
  integer(value: number): void;
  bigint(value: number): void;
  double(value: number): void;
  /** A number from 0 on. */
  numeric(value: number): void;
  /** @param value ISO 8601 with a zone */
  time(value: string): void;
  jsonb(value: unknown): void;
  texts(value: readonly (string | null)[]): void;
  /** What was written since, in memory of its own; it is forgotten. Nothing, where there were no rows. */
  take(): Uint8Array;
}

const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const trailer = Buffer.from([0xff, 0xff]);
const pageBytes = 1 << 18;
const bytesPerCharMax = 3;
const textOid = 25;
const jsonbVersion = 1;
/** When PostgreSQL's time begins, 2000-01-01. */
const epochMs = 946_684_800_000;
/** Decimal digits in each of the numbers that a numeric is made of. */
const groupDigits = 4;
const word = 2 ** 32;

export function createCopyBinary(): CopyBinary {
  let page = Buffer.allocUnsafeSlow(pageBytes);
  let at = header.copy(page);

  /** Makes sure that so many bytes fit. */
  function room(bytes: number): void {
    if (at + bytes + trailer.length <= page.length) return;
    const more = Buffer.allocUnsafeSlow(2 * (at + bytes + trailer.length));
    page.copy(more, 0, 0, at);
    page = more;
  }

  function int32(value: number): void {
    page[at++] = value >>> 24;
    page[at++] = value >>> 16;
    page[at++] = value >>> 8;
    page[at++] = value;
  }

  function int16(value: number): void {
    page[at++] = value >>> 8;
    page[at++] = value;
  }

  function int64(high: number, low: number): void {
    int32(high);
    int32(low);
  }

  function utf8(value: string): void {
    room(4 + value.length * bytesPerCharMax);
    const begin = at;
    at += 4;
    at += page.write(value, at);
    const end = at;
    at = begin;
    int32(end - begin - 4);
    at = end;
  }

  const copy: CopyBinary = {
    beginRow(fields) {
      room(2);
      int16(fields);
    },
    none() {
      room(4);
      int32(-1);
    },
    text: utf8,
    bytes(value) {
      room(4 + value.length);
      int32(value.length);
      page.set(value, at);
      at += value.length;
    },
    integer(value) {
      room(8);
      int32(4);
      int32(value);
    },
    bigint(value) {
      room(12);
      int32(8);
      int64(Math.floor(value / word), value % word);
    },
    double(value) {
      room(12);
      int32(8);
      // As JSON has it, there is one zero.
      at = page.writeDoubleBE(value + 0, at);
    },
    numeric(value) {
      const { digits, weight, scale } = numericOf(value);
      room(12 + 2 * digits.length);
      int32(8 + 2 * digits.length);
      for (const part of [digits.length, weight, 0, scale, ...digits]) int16(part);
    },
    time(value) {
      const ms = Date.parse(value) - epochMs;
      room(12);
      int32(8);
      // As many microseconds can be more than a number holds exactly.
      const us = ms * 1000;
      if (Number.isSafeInteger(us)) int64(Math.floor(us / word), us % word);
      else at = page.writeBigInt64BE(BigInt(ms) * 1000n, at);
    },
    jsonb(value) {
      const text = value instanceof JsonText ? value.text : JSON.stringify(value);
      room(5 + text.length * bytesPerCharMax);
      const begin = at;
      utf8(text);
      // The version stands between the length and the text.
      const bytes = at - begin - 4;
      page.copyWithin(begin + 5, begin + 4, at);
      page[begin + 4] = jsonbVersion;
      at = begin;
      int32(bytes + 1);
      at = begin + 5 + bytes;
    },
    texts(value) {
      room(24);
      const begin = at;
      at += 4;
      int32(value.length === 0 ? 0 : 1);
      int32(value.includes(null) ? 1 : 0);
      int32(textOid);
      if (value.length > 0) {
        int32(value.length);
        int32(1);
      }
      for (const one of value) {
        if (one === null) copy.none();
        else utf8(one);
      }
      const end = at;
      at = begin;
      int32(end - begin - 4);
      at = end;
    },
    take() {
      if (at === header.length) return new Uint8Array();
      const all = Buffer.allocUnsafeSlow(at + trailer.length);
      page.copy(all, 0, 0, at);
      trailer.copy(all, at);
      at = header.length;
      return all;
    },
  };
  return copy;
}

/** Groups of four decimal digits, the power of 10,000 that the first one counts, and the digits after the point. */
function numericOf(value: number): {
  readonly digits: readonly number[];
  readonly weight: number;
  readonly scale: number;
} {
  const text = String(value);
  const [whole = '', fraction = ''] = (text.includes('e') ? value.toFixed(20) : text).split('.');
  const wholeGroups = Math.ceil(whole.length / groupDigits);
  const fractionGroups = Math.ceil(fraction.length / groupDigits);
  const all =
    whole.padStart(wholeGroups * groupDigits, '0') + fraction.padEnd(fractionGroups * groupDigits, '0');
  const digits = Array.from({ length: wholeGroups + fractionGroups }, (_, n) =>
    Number(all.slice(n * groupDigits, (n + 1) * groupDigits)),
  );
  return { digits, weight: wholeGroups - 1, scale: fraction.length };
}
