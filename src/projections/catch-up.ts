import { streamPrefixes } from '../domain/stream-names.ts';
import { type Ledger, LedgerUnavailable, type Position, type RecordedEvent } from '../ledger/ledger.ts';
import type { Follower } from './follower.ts';

/** Hands over what lies between two positions, in batches; each goes with the position that it reaches. */
export async function eachBatch(
  ledger: Ledger,
  options: { readonly after: Position | null; readonly upTo: Position; readonly signal: AbortSignal },
  take: (events: readonly RecordedEvent[], position: Position) => Promise<void>,
): Promise<void> {
  const { after, upTo } = options;
  if (after !== null && ledger.isAtOrAfter(after, upTo)) return;
  const done = new AbortController();
  const signal = AbortSignal.any([options.signal, done.signal]);
  try {
    for await (const { position, ...message } of ledger.subscribe({
      prefixes: streamPrefixes,
      after,
      signal,
    })) {
      const isLast = position !== null && ledger.isAtOrAfter(position, upTo);
      if (message.kind === 'events' && position !== null) {
        const events = message.events.filter((event) => ledger.isAtOrAfter(upTo, event.position));
        await take(events, isLast ? upTo : position);
      } else if (isLast) await take([], upTo);
      if (isLast) return;
    }
  } finally {
    done.abort();
  }
  options.signal.throwIfAborted();
  throw new LedgerUnavailable(`The ledger ended before ${upTo}.`);
}

/** Brings a follower to exactly this position, or leaves it where it is beyond. */
export async function advanceTo(
  follower: Follower,
  ledger: Ledger,
  upTo: Position,
  signal: AbortSignal,
): Promise<void> {
  const { position: after } = follower.checkpoint;
  await eachBatch(ledger, { after, upTo, signal }, (events, position) => follower.advance(events, position));
}
