import { type ByteText, type StoredEvent, type StreamsPage, textOf } from './ledger.ts';

const lineFeed = 10;
const tab = 9;
/** So much is decoded at once, about: what it becomes dies young. */
const decodedBytes = 1 << 16;

/** The events of a page, some at a time, in their order. It is text as PostgreSQL's COPY writes it, a line an event. */
export function* eventsOf(page: StreamsPage): Generator<readonly StoredEvent[]> {
  const bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength);
  for (let from = 0; from < bytes.length; ) {
    const last = bytes.lastIndexOf(lineFeed, from + decodedBytes);
    const to = (last > from ? last : bytes.indexOf(lineFeed, from)) + 1;
    yield eventsIn(bytes.toString('latin1', from, to));
    from = to;
  }
}

/** Whole lines. A COPY escapes line feeds and tabs inside of values. */
function eventsIn(text: ByteText): readonly StoredEvent[] {
  const events: StoredEvent[] = [];
  let line = '';
  let name = '';
  for (let from = 0; from < text.length; ) {
    const to = text.indexOf('\n', from);
    const tab = text.indexOf('\t', from) + 1;
    // Most come after one of the same stream.
    if (!text.startsWith(line, from) || line === '') {
      line = text.slice(from, tab);
      name = textOf(field(text, from, tab - 1));
    }
    events.push(eventOf(text, name, from + line.length, to));
    from = to + 1;
  }
  return events;
}

/** The row of a stream that stands in the text from here, behind its name, to there. */
function eventOf(text: ByteText, name: string, from: number, to: number): StoredEvent {
  const revision = text.indexOf('\t', from);
  const id = text.indexOf('\t', revision + 1);
  const type = text.indexOf('\t', id + 1);
  const data = text.indexOf('\t', type + 1);
  return {
    stream: name,
    revision: Number(text.slice(from, revision)),
    id: text.slice(revision + 1, id),
    type: textOf(field(text, id + 1, type)),
    data: field(text, type + 1, data),
    metadata: field(text, data + 1, to),
  };
}

function field(text: ByteText, from: number, to: number): ByteText {
  const value = text.slice(from, to);
  return value.includes('\\') ? unescaped(value) : value;
}

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function unescaped(text: ByteText): ByteText {
  return text.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
}

/** What comes behind the end of a page before it is cut, about. */
const spareBytes = 1 << 17;

/** Cuts the bytes of a COPY that is ordered by stream, whose name comes first in each row, into pages of whole streams. */
export async function* pagesOf(
  chunks: AsyncIterable<Buffer>,
  pageBytesMin: number,
): AsyncGenerator<StreamsPage> {
  let page = Buffer.allocUnsafeSlow(pageBytesMin + spareBytes);
  let used = 0;
  let bytesMin = pageBytesMin;
  for await (const chunk of chunks) {
    if (used + chunk.length > page.length) page = moved(page.subarray(0, used), 2 * (used + chunk.length));
    // Copied at once, so that what was read dies young.
    chunk.copy(page, used);
    used += chunk.length;
    if (used < bytesMin) continue;
    const all = page.subarray(0, used);
    const cut = lastStreamIn(all);
    used -= cut;
    // A stream that is longer than a page is looked through again only when it has doubled.
    bytesMin = Math.max(pageBytesMin, 2 * used);
    if (cut === 0) continue;
    page = moved(all.subarray(cut), bytesMin + spareBytes);
    yield all.subarray(0, cut);
  }
  if (used > 0) yield page.subarray(0, used);
}

/** The same bytes at the beginning of a memory of their own. */
function moved(bytes: Buffer, length: number): Buffer<ArrayBuffer> {
  const memory = Buffer.allocUnsafeSlow(length);
  bytes.copy(memory);
  return memory;
}

/** Where the rows of the last stream begin that has whole rows here. */
function lastStreamIn(bytes: Buffer): number {
  let begin = bytes.lastIndexOf(lineFeed, -2) + 1;
  // The last row may not be whole.
  if (bytes[bytes.length - 1] !== lineFeed) begin = bytes.lastIndexOf(lineFeed, begin - 2) + 1;
  const stream = bytes.subarray(begin, bytes.indexOf(tab, begin) + 1);
  while (begin > 0) {
    const before = bytes.lastIndexOf(lineFeed, begin - 2) + 1;
    if (!bytes.subarray(before, before + stream.length).equals(stream)) break;
    begin = before;
  }
  return begin;
}
