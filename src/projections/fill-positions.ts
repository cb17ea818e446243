import { streamPrefixes } from '../domain/stream-names.ts';
import {
  LedgerUnavailable,
  type Position,
  type RecordedEvent,
  type StoredEventAt,
  type SubscriptionMessage,
} from '../ledger/ledger.ts';
import { createChunkWriter } from './chunk-writer.ts';
import type { FillStreamsOptions } from './fill-streams.ts';

export interface FillPositionsOptions extends Omit<FillStreamsOptions, 'client'> {
  readonly url: string;
  readonly schema: string;
  /** Events that are written in one transaction, about. */
  readonly chunkEventsMin: number;
}

/** Follows the global order in large batches. One is written while the next is read. */
export async function fillByPosition(options: FillPositionsOptions): Promise<number> {
  const { ledger, follower, url, schema, signal, onProgress, chunkEventsMin } = options;
  const { upTo } = options.filling;
  let { filling } = options;
  let chunk: (RecordedEvent | StoredEventAt)[] = [];
  let last = follower.checkpoint.position;
  let writing: Promise<void> = Promise.resolve();
  const writer = createChunkWriter(follower, { url, schema });

  function take(event: RecordedEvent | StoredEventAt): void {
    // Delivery is at least once.
    if (last !== null && ledger.isAtOrAfter(last, event.position)) return;
    last = event.position;
    chunk.push(event);
  }

  async function write(to: Position): Promise<void> {
    await writing;
    const events = chunk;
    chunk = [];
    filling = { ...filling, events: filling.events + events.length };
    writing = writer.write({ events, to, filling });
    // It is awaited before the next one.
    writing.catch(() => undefined);
    onProgress(filling.events);
  }

  try {
    let isWhole = false;
    const following = { prefixes: streamPrefixes, after: last, signal };
    const messages: AsyncIterable<SubscriptionMessage<RecordedEvent | StoredEventAt>> =
      ledger.subscribeStored?.(following) ?? ledger.subscribe(following);
    for await (const message of messages) {
      isWhole = message.position !== null && ledger.isAtOrAfter(message.position, upTo);
      if (message.kind === 'events') {
        for (const event of message.events) {
          if (!isWhole || ledger.isAtOrAfter(upTo, event.position)) take(event);
        }
        if (chunk.length >= chunkEventsMin) await write(chunk.at(-1)?.position ?? upTo);
      }
      if (isWhole) break;
    }
    signal.throwIfAborted();
    if (!isWhole) throw new LedgerUnavailable(`The ledger ended before ${upTo}.`);
    await write(upTo);
    await writing;
    return filling.events;
  } finally {
    await writer.close();
  }
}
