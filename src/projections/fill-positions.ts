import { streamPrefixes } from '../domain/stream-names.ts';
import { LedgerUnavailable, type Position, type RecordedEvent } from '../ledger/ledger.ts';
import { withoutAnswer } from '../ledger/skim.ts';
import type { FillStreamsOptions } from './fill-streams.ts';

export interface FillPositionsOptions extends Omit<FillStreamsOptions, 'client'> {
  /** Events that are written in one transaction, about. */
  readonly chunkEventsMin: number;
}

/** Follows the global order in large batches. One is written while the next is read. */
export async function fillByPosition(options: FillPositionsOptions): Promise<number> {
  const { ledger, follower, signal, onProgress, chunkEventsMin } = options;
  const { upTo } = options.filling;
  let { filling } = options;
  let chunk: RecordedEvent[] = [];
  let writing: Promise<void> = Promise.resolve();

  async function write(to: Position): Promise<void> {
    await writing;
    const full = chunk;
    chunk = [];
    filling = { ...filling, events: filling.events + full.length };
    writing = follower.advance(full, to, filling);
    // It is awaited before the next one.
    writing.catch(() => undefined);
    onProgress(filling.events);
  }

  let isWhole = false;
  const after = follower.checkpoint.position;
  for await (const message of ledger.subscribe({ prefixes: streamPrefixes, after, signal })) {
    if (message.kind === 'events') {
      const areAllMeant = ledger.isAtOrAfter(upTo, message.position);
      for (const event of message.events) {
        if (areAllMeant || ledger.isAtOrAfter(upTo, event.position)) chunk.push(withoutAnswer(event));
      }
      if (chunk.length >= chunkEventsMin) await write(chunk.at(-1)?.position ?? upTo);
    }
    isWhole = message.position !== null && ledger.isAtOrAfter(message.position, upTo);
    if (isWhole) break;
  }
  signal.throwIfAborted();
  if (!isWhole) throw new LedgerUnavailable(`The ledger ended before ${upTo}.`);
  await write(upTo);
  await writing;
  return filling.events;
}
