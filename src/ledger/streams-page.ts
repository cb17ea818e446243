import { type ByteText, type PageMemory, type StoredEvent, type StreamsPage, textOf } from './ledger.ts';

/**
 * A page is rows as PostgreSQL's COPY writes them in its binary format: the number of fields in two bytes, then each field
 * behind its length in four. The fields of an event are its stream, revision, id, type, data and metadata.
 */
const countBytes = 2;
const lengthBytes = 4;
const revisionBytes = 4;

/** So much is decoded at once, about: what it becomes dies young. */
const decodedBytes = 1 << 16;

/** The events of a page, some at a time, in their order. */
export function* eventsOf(page: StreamsPage): Generator<readonly StoredEvent[]> {
  const bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength);
  for (let from = 0; from < bytes.length; ) {
    const limit = from + decodedBytes;
    let to = from;
    while (to < bytes.length && to < limit) to = endOfRow(bytes, to);
    yield eventsIn(bytes.subarray(from, to));
    from = to;
  }
}

function endOfRow(bytes: Buffer, from: number): number {
  let at = from + countBytes;
  for (let field = 0; field < 6; field++) at += lengthBytes + bytes.readInt32BE(at);
  return at;
}

/** Whole rows. */
function eventsIn(bytes: Buffer): readonly StoredEvent[] {
  const text: ByteText = bytes.toString('latin1');
  const events: StoredEvent[] = [];
  let at = 0;
  const next = (): ByteText => {
    const from = at + lengthBytes;
    at = from + bytes.readInt32BE(at);
    return text.slice(from, at);
  };
  let name: ByteText = '';
  let stream = '';
  while (at < bytes.length) {
    at += countBytes;
    const from = at + lengthBytes;
    const found = next();
    // Most come after one of the same stream. Its name outlives the others: as a part of the text it would keep all of it.
    if (found !== name) [name, stream] = [found, bytes.toString('utf8', from, at)];
    at += lengthBytes;
    const revision = bytes.readInt32BE(at);
    at += revisionBytes;
    events.push({ stream, revision, id: next(), type: textOf(next()), data: next(), metadata: next() });
  }
  return events;
}

/** A page ends with the stream that reaches this many bytes. */
const pageBytesMin = 1 << 21;
/** What a page is longer than that before it needs more memory. */
const spareBytes = 1 << 17;

/** `PGCOPY\n\xff\r\n\0`, four bytes of flags, and the length of what follows in four more. */
const headerBytes = 19;

function behindHeader(bytes: Buffer, from: number): number {
  const rest = from + headerBytes;
  return rest + bytes.readInt32BE(rest - lengthBytes);
}

/** Rows of a COPY on their way into pages. */
export interface Pages {
  /** One message of the server: a row, with the header of all before the first, or the end. It is copied. */
  add(bytes: Buffer, from: number, to: number): void;
  /** Hands over what is left. */
  finish(): void;
}

/** Cuts rows that are ordered by stream into pages of whole streams. */
export function createPages(memory: PageMemory, take: (page: StreamsPage) => void): Pages {
  let page = memory.take(pageBytesMin + spareBytes);
  let used = 0;
  /** Where the name of the last row's stream is, with its length before it. */
  let [name, nameEnd] = [0, 0];

  function add(bytes: Buffer, from: number, to: number): void {
    const length = to - from;
    if (length <= countBytes) return;
    const ownName = from + countBytes;
    const ownNameEnd = ownName + lengthBytes + bytes.readInt32BE(ownName);
    if (used >= pageBytesMin && page.compare(bytes, ownName, ownNameEnd, name, nameEnd) !== 0) {
      take(page.subarray(0, used));
      page = memory.take(pageBytesMin + spareBytes);
      used = 0;
    }
    if (used + length > page.length) {
      const more = memory.take(2 * (used + length));
      page.copy(more, 0, 0, used);
      memory.give(page);
      page = more;
    }
    bytes.copy(page, used, from, to);
    name = used + countBytes;
    nameEnd = name + ownNameEnd - ownName;
    used += length;
  }

  let isFirst = true;
  return {
    add(bytes, from, to) {
      add(bytes, isFirst ? behindHeader(bytes, from) : from, to);
      isFirst = false;
    },
    finish() {
      if (used > 0) take(page.subarray(0, used));
      used = 0;
    },
  };
}
