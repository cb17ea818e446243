import type { Client } from 'pg';
import { streamPrefixes } from '../domain/stream-names.ts';
import type { Ledger, PageMemory, Position, StreamsPage } from '../ledger/ledger.ts';
import { readRange } from '../ledger/read-range.ts';
import { type Arrival, arrivalOf, storedArrivalOf } from './arrival.ts';
import { readStaged, readStagedAgain } from './staging.ts';

/** Where a fill has whole streams from. */
export interface StreamSource {
  /** Those after this one, in an order that is always the same. */
  pages(afterStream: string | null, memory: PageMemory, signal: AbortSignal): AsyncIterable<StreamsPage>;
  /** Some of them again, one after the other. */
  again(names: readonly string[]): AsyncIterable<readonly Arrival[]>;
}

/** Null where the ledger hands out none. */
export function streamsOfLedger(ledger: Ledger, upTo: Position): StreamSource | null {
  const { streams } = ledger;
  if (streams === undefined) return null;
  return {
    pages: (afterStream, memory, signal) =>
      streams({ prefixes: streamPrefixes, upTo, afterStream, memory, signal }),
    async *again(names) {
      for (const name of names) {
        const recorded = await readRange(ledger, name);
        yield recorded.filter(({ position }) => ledger.isAtOrAfter(upTo, position)).map(arrivalOf);
      }
    },
  };
}

export function stagedStreams(client: Client, url: string, schema: string): StreamSource {
  return {
    pages: (afterStream, memory, signal) => readStaged({ url, schema, afterStream, memory, signal }),
    async *again(names) {
      const events = await readStagedAgain(client, names);
      for (const name of names) yield events.filter(({ stream }) => stream === name).map(storedArrivalOf);
    },
  };
}
