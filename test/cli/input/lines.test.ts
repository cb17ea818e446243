import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineBytesMax, readLines } from '../../../src/cli/input/lines.ts';
import { collect, sourceOf } from './sources.ts';

const linesOf = async (content: string | Uint8Array, chunkBytes?: readonly number[]) =>
  (await collect(readLines(sourceOf(content, chunkBytes === undefined ? {} : { chunkBytes }).open()))).flat();

const chunks = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });

test('lines are the same however the bytes are cut into chunks', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '語', '🎵', '\n', '\r\n', ' ') });
  await fc.assert(
    fc.asyncProperty(text, chunks, async (content, sizes) => {
      const lines = await linesOf(content, sizes);
      const expected = content.split('\n');
      if (expected.at(-1) === '') expected.pop();
      expect(lines.map((line) => line.text)).toEqual(expected);
      expect(lines.map((line) => line.number)).toEqual(expected.map((_, at) => at + 1));
    }),
  );
});

test('any bytes come out as numbered lines without an exception, and good lines among bad ones are kept', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), chunks, async (garbage, sizes) => {
      const content = Buffer.concat([Buffer.from('first\n'), garbage, Buffer.from('\nlast')]);
      const lines = await linesOf(content, sizes);
      expect(lines[0]).toEqual({ number: 1, text: 'first', fault: null });
      expect(lines.at(-1)).toMatchObject({ text: 'last', fault: null });
      expect(lines.length).toBe(content.toString('latin1').split('\n').length);
    }),
  );
});

test('a line that is not UTF-8, has a NUL or is too long is named as such, and the next one is good', async () => {
  const long = Buffer.alloc(lineBytesMax + 1, 'x');
  const content = Buffer.concat([
    Buffer.from([0x61, 0xff, 0x0a, 0x61, 0x00, 0x0a]),
    long,
    Buffer.from('\ngood\n'),
  ]);
  for (const chunkBytes of [[1000], [10_000_000], [lineBytesMax]]) {
    const lines = await linesOf(content, chunkBytes);
    expect(lines.map(({ number, fault }) => [number, fault])).toEqual([
      [1, 'encoding'],
      [2, 'nul'],
      [3, 'too-long'],
      [4, null],
    ]);
  }
});

test('a line without end is passed over in bounded memory', async () => {
  async function* endless() {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    for (let n = 0; n < 2000; n++) yield chunk;
    yield Buffer.from('\nlast');
  }
  const before = process.memoryUsage().arrayBuffers;
  const lines = (await collect(readLines(endless()))).flat();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20e6);
  expect(lines.map(({ number, fault }) => [number, fault])).toEqual([
    [1, 'too-long'],
    [2, null],
  ]);
});
