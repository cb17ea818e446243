import type { Client } from 'pg';
import { streamPrefixes } from '../domain/stream-names.ts';
import type { Ledger, PageMemory, Position, StreamsPage } from '../ledger/ledger.ts';
import { readRange } from '../ledger/read-range.ts';
import { type Arrival, arrivalOf, storedArrivalOf } from './arrival.ts';
import { readStaged, readStagedStream } from './staging.ts';

/** Where a fill has whole streams from. */
export interface StreamSource {
  /** Those after this one, in an order that is always the same. */
  pages(afterStream: string | null, memory: PageMemory, signal: AbortSignal): AsyncIterable<StreamsPage>;
  /** The events of one. */
  stream(name: string): Promise<readonly Arrival[]>;
}

/** Null where the ledger hands out none. */
export function streamsOfLedger(ledger: Ledger, upTo: Position): StreamSource | null {
  const { streams } = ledger;
  if (streams === undefined) return null;
  return {
    pages: (afterStream, memory, signal) =>
      streams({ prefixes: streamPrefixes, upTo, afterStream, memory, signal }),
    async stream(name) {
      const recorded = await readRange(ledger, name);
      return recorded.filter(({ position }) => ledger.isAtOrAfter(upTo, position)).map(arrivalOf);
    },
  };
}

export function stagedStreams(client: Client, url: string, schema: string): StreamSource {
  return {
    pages: (afterStream, memory, signal) => readStaged({ url, schema, afterStream, memory, signal }),
    stream: async (name) => (await readStagedStream(client, name)).map(storedArrivalOf),
  };
}
