import type { PageMemory, SentEvent } from '../ledger/ledger.ts';
import { type KeptEvent, readSent } from '../ledger/sent-event.ts';
import { type CopyBinary, createCopyBinary } from './copy-binary.ts';
import { stagedColumns } from './staging.ts';

/** Events as they were sent, each behind its length. */
export type SentPage = Uint8Array;

/** Events as they are staged. It can go from thread to thread. */
export interface StagedPage {
  readonly events: number;
  /** As `writeStaged` writes them. */
  readonly rows: Uint8Array;
}

const lengthBytes = 4;

/** Events on their way into pages. */
export interface SentPages {
  readonly bytes: number;
  add(event: SentEvent): void;
  take(): SentPage;
}

export function createSentPages(memory: PageMemory, pageBytesMin: number): SentPages {
  let page = memory.take(pageBytesMin);
  let used = 0;
  return {
    get bytes() {
      return used;
    },
    add({ bytes }) {
      if (used + lengthBytes + bytes.length > page.length) {
        const more = memory.take(2 * (used + lengthBytes + bytes.length));
        page.copy(more, 0, 0, used);
        memory.give(page);
        page = more;
      }
      page.writeUInt32LE(bytes.length, used);
      page.set(bytes, used + lengthBytes);
      used += lengthBytes + bytes.length;
    },
    take() {
      const all = page.subarray(0, used);
      page = memory.take(pageBytesMin);
      used = 0;
      return all;
    },
  };
}

/** Makes rows of the staging table of each page, without what providers answered. */
export function createStager(): (page: SentPage) => StagedPage {
  const rows = createCopyBinary();
  return (page) => {
    const bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength);
    let events = 0;
    for (let at = 0; at < bytes.length; events++) {
      const from = at + lengthBytes;
      at = from + bytes.readUInt32LE(at);
      add(rows, readSent(bytes.subarray(from, at)));
    }
    return { events, rows: rows.take() };
  };
}

function add(rows: CopyBinary, { stream, revision, id, type, data, metadata }: KeptEvent): void {
  rows.beginRow(stagedColumns);
  rows.text(stream);
  rows.integer(revision);
  rows.text(id);
  rows.text(type);
  rows.bytes(data);
  rows.bytes(metadata);
}
