import { UserError } from '../user-error.ts';

const startBytes = 4;

const signatures: readonly (readonly [bytes: readonly number[], sentence: string])[] = [
  [[0xff, 0xfe], 'is UTF-16 text: save it as UTF-8.'],
  [[0xfe, 0xff], 'is UTF-16 text: save it as UTF-8.'],
  [[0x1f, 0x8b], 'is compressed: unpack it first, as in "gunzip --stdout FILE | … run -".'],
  [[0x50, 0x4b, 0x03, 0x04], 'is a zip file or a spreadsheet: export it as CSV in UTF-8.'],
];

/**
 * Looks at the first bytes: takes a UTF-8 byte order mark away and refuses what is no UTF-8 text as a whole.
 *
 * @throws UserError while reading
 */
export async function* fromTextStart(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncIterable<Uint8Array> {
  let start: Buffer | null = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (start === null) {
      yield chunk;
      continue;
    }
    start = Buffer.concat([start, chunk]);
    if (start.length < startBytes) continue;
    yield withoutMark(start, name);
    start = null;
  }
  if (start !== null) yield withoutMark(start, name);
}

function withoutMark(start: Buffer, name: string): Buffer {
  for (const [bytes, sentence] of signatures) {
    if (bytes.every((byte, at) => start[at] === byte)) throw new UserError(`"${name}" ${sentence}`);
  }
  const mark = start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf;
  return mark ? start.subarray(3) : start;
}
