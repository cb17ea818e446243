/** A physical line of the input. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its line feed, with its carriage return: a quoted field may end with one. */
  readonly text: string;
  /** Why the line can't be used; `text` is then only good for showing, and may be cut. */
  readonly fault: LineFault | null;
}

export type LineFault = 'encoding' | 'nul' | 'too-long';

/** The longest line that is read, in bytes: what a message of a task may have. A longer one is passed over. */
export const lineBytesMax = 64 * 1024;

export const lineFaultReasons: Readonly<Record<LineFault, string>> = {
  encoding: 'The line is not valid UTF-8: save the file as UTF-8.',
  nul: 'The line contains a NUL byte: remove it, and save the file as plain UTF-8 text.',
  'too-long': 'The line is longer than 64 KB: shorten it, and check that the file has line ends.',
};

const lineFeed = 0x0a;
/** How much of a line that is too long is kept for showing. */
const shownBytesMax = 4000;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Cuts bytes into lines, a batch for each chunk, with never more than one chunk and one line in memory. A block
 * of whole lines is decoded at once; only where that fails is it decoded line by line to find the bad ones.
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncIterable<readonly Line[]> {
  let rest: Buffer = Buffer.alloc(0);
  let passingOver = false;
  let number = 0;
  for await (const bytes of chunks) {
    let chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (passingOver) {
      const end = chunk.indexOf(lineFeed);
      if (end === -1) continue;
      chunk = chunk.subarray(end + 1);
      passingOver = false;
    }
    const block = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = block.lastIndexOf(lineFeed);
    const lines: Line[] = end === -1 ? [] : linesOf(block.subarray(0, end), number);
    number += lines.length;
    rest = block.subarray(end + 1);
    if (rest.length > lineBytesMax) {
      number += 1;
      lines.push(readLine(rest, number));
      rest = Buffer.alloc(0);
      passingOver = true;
    }
    if (lines.length > 0) yield lines;
  }
  if (rest.length > 0) yield [readLine(rest, number + 1)];
}

/** The lines of a block that ends before its last line feed. */
function linesOf(block: Buffer, before: number): Line[] {
  const text = block.includes(0) ? null : decoded(block);
  if (text === null) return bytesOfLines(block).map((bytes, at) => readLine(bytes, before + at + 1));
  return text.split('\n').map((line, at) => {
    const number = before + at + 1;
    // A character takes at most three bytes a UTF-16 unit.
    if (line.length * 3 <= lineBytesMax || Buffer.byteLength(line) <= lineBytesMax) {
      return { number, text: line, fault: null };
    }
    return { number, text: line.slice(0, shownBytesMax), fault: 'too-long' };
  });
}

function bytesOfLines(block: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = block.indexOf(lineFeed); end !== -1; end = block.indexOf(lineFeed, start)) {
    lines.push(block.subarray(start, end));
    start = end + 1;
  }
  lines.push(block.subarray(start));
  return lines;
}

function readLine(bytes: Buffer, number: number): Line {
  const faulty = (fault: LineFault): Line => ({
    number,
    text: lenientUtf8.decode(bytes.subarray(0, shownBytesMax)),
    fault,
  });
  if (bytes.length > lineBytesMax) return faulty('too-long');
  if (bytes.includes(0)) return faulty('nul');
  const text = decoded(bytes);
  return text === null ? faulty('encoding') : { number, text, fault: null };
}

function decoded(bytes: Buffer): string | null {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}
