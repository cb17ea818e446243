import { streamPrefixes } from '../domain/stream-names.ts';
import {
  type Ledger,
  LedgerUnavailable,
  type Position,
  type SubscribeOptions,
  type SubscriptionMessage,
} from '../ledger/ledger.ts';
import type { Follower } from './follower.ts';

/** As much of a ledger as is needed to follow it. */
export interface Following<Event> {
  subscribe(options: SubscribeOptions): AsyncIterable<SubscriptionMessage<Event>>;
  isAtOrAfter: Ledger['isAtOrAfter'];
}

/** Events that follow each other, and the position that is reached with them. */
export interface Batch<Event> {
  readonly events: readonly Event[];
  readonly position: Position;
}

/** What lies between two positions, in batches; the last one reaches exactly the second position. */
export async function* batchesBetween<Event extends { readonly position: Position }>(
  { subscribe, isAtOrAfter }: Following<Event>,
  options: { readonly after: Position | null; readonly upTo: Position; readonly signal: AbortSignal },
): AsyncGenerator<Batch<Event>> {
  const { after, upTo } = options;
  if (after !== null && isAtOrAfter(after, upTo)) return;
  const done = new AbortController();
  const signal = AbortSignal.any([options.signal, done.signal]);
  try {
    for await (const { position, ...message } of subscribe({ prefixes: streamPrefixes, after, signal })) {
      const events = message.kind === 'events' ? message.events : [];
      if (position !== null && isAtOrAfter(position, upTo)) {
        yield { events: events.filter((event) => isAtOrAfter(upTo, event.position)), position: upTo };
        return;
      }
      if (position !== null && message.kind === 'events') yield { events, position };
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
  for await (const { events, position } of batchesBetween(ledger, { after, upTo, signal })) {
    await follower.advance(events, position);
  }
}
