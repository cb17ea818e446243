import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createCopiedRows } from '../../src/ledger/copied-rows.ts';

const anyMessage = fc.record({
  letter: fc.constantFrom('d', 'd', 'd', 'H', 'N', 'C', 'Z', 'E'),
  body: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
});
type Message = typeof anyMessage extends fc.Arbitrary<infer One> ? One : never;

function written({ letter, body }: Message): Buffer {
  const head = Buffer.alloc(5);
  head.write(letter, 'latin1');
  head.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

/** What a server sends, cut anywhere, and what came of it: rows as `row …`, others whole. */
function told(chunks: readonly Buffer[]): { readonly all: readonly string[]; readonly rest: Buffer } {
  const all: string[] = [];
  const rows = createCopiedRows(
    (bytes, from, to) => all.push(`row ${bytes.subarray(from, to).toString('hex')}`),
    (message) => all.push(message.toString('hex')),
  );
  for (const chunk of chunks) rows.take(chunk);
  return { all, rest: rows.rest() };
}

it('rows and other messages come whole and in their order, wherever what is sent is cut', () => {
  fc.assert(
    fc.property(
      fc.array(anyMessage, { maxLength: 12 }),
      fc.array(fc.nat(600), { maxLength: 20 }),
      fc.nat(50),
      (messages, cuts, left) => {
        const whole = messages.map(written);
        const begun = written({ letter: 'd', body: Buffer.alloc(60) }).subarray(0, left);
        const sent = Buffer.concat([...whole, begun]);
        const at = [...new Set([0, ...cuts.map((cut) => Math.min(cut, sent.length)), sent.length])].toSorted(
          (a, b) => a - b,
        );
        const { all, rest } = told(at.slice(1).map((to, n) => sent.subarray(at[n], to)));
        expect(all).toEqual(
          messages.map(({ letter, body }, n) =>
            letter === 'd' ? `row ${body.toString('hex')}` : whole[n]?.toString('hex'),
          ),
        );
        expect(rest).toEqual(begun);
      },
    ),
    { numRuns: 3000 },
  );
});

it('a row of many chunks is put together once', () => {
  const body = Buffer.alloc(1 << 25, 7);
  const sent = written({ letter: 'd', body });
  const chunks = Array.from({ length: Math.ceil(sent.length / 4096) }, (_, n) =>
    sent.subarray(n * 4096, (n + 1) * 4096),
  );
  let bytes = 0;
  const rows = createCopiedRows(
    (_, from, to) => {
      bytes += to - from;
    },
    () => undefined,
  );
  for (const chunk of chunks) rows.take(chunk);
  expect(bytes).toBe(body.length);
});
