import { streamPrefixes } from '../domain/stream-names.ts';
import type { Position, RecordedEvent } from '../ledger/ledger.ts';
import { withoutAnswer } from '../ledger/skim.ts';
import type { FillStreamsOptions } from './fill-streams.ts';

/** Events that are folded and written in one transaction, about: each track's row is written once in it. */
const chunkEventsMin = 10_000;

/** Follows the global order in large batches. One is written while the next is read. */
export async function fillByPosition(options: Omit<FillStreamsOptions, 'client'>): Promise<number> {
  const { ledger, follower, signal, onProgress } = options;
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

  const after = follower.checkpoint.position;
  for await (const message of ledger.subscribe({ prefixes: streamPrefixes, after, signal })) {
    if (message.kind === 'events') {
      const isWhole = ledger.isAtOrAfter(upTo, message.position);
      for (const event of message.events) {
        if (isWhole || ledger.isAtOrAfter(upTo, event.position)) chunk.push(withoutAnswer(event));
      }
      if (chunk.length >= chunkEventsMin) await write(chunk.at(-1)?.position ?? upTo);
    }
    if (message.position !== null && ledger.isAtOrAfter(message.position, upTo)) break;
  }
  signal.throwIfAborted();
  await write(upTo);
  await writing;
  return filling.events;
}
