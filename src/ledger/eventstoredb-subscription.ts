import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AllStreamResolvedEvent,
  type AllStreamSubscription,
  START,
  streamNameFilter,
} from '@eventstore/db-client';
import type { Connection } from './eventstoredb-connection.ts';
import { decodePosition, encodePosition, isAtOrAfter } from './eventstoredb-position.ts';
import { recordedEvent } from './eventstoredb-reading.ts';
import type { Position, RecordedEvent, SubscribeOptions, SubscriptionMessage } from './ledger.ts';

const batchMax = 500;
/** Events that are held for a slow handler. The server ends a subscription whose reader stops; it is resumed. */
const bufferMax = 4096;
/** Where to resume is known at least every so many times 32 events that match nothing. */
const checkpointInterval = 16;
const confirmMsMax = 15_000;
const backoffMsMin = 100;
const backoffMsMax = 5000;

/** What happened, in the order of the log. */
type Arrival =
  | { readonly kind: 'event'; readonly event: RecordedEvent }
  | { readonly kind: 'checkpoint'; readonly position: Position }
  | { readonly kind: 'caught-up' };

/**
 * Follows `$all`, filtered by the server, across any end of the subscription: an error, a server that stops, one that
 * finds us too slow, an end without a word. It goes on after the last event that it took in.
 *
 * @param newConnection one for each subscription: ending one closes the client's whole connection
 */
export async function* followAll(
  newConnection: () => Connection,
  head: () => Promise<Position | null>,
  { prefixes, after, signal }: SubscribeOptions,
): AsyncGenerator<SubscriptionMessage> {
  let position = after;
  let wasCaughtUp = false;
  let backoffMs = backoffMsMin;
  while (!signal.aborted) {
    const headBefore = await head().catch(() => undefined);
    if (headBefore !== undefined && !signal.aborted) {
      const session = openSession(newConnection(), prefixes, position, signal);
      try {
        for (;;) {
          const arrivals = await session.take(batchMax);
          if (arrivals === null || signal.aborted) break;
          backoffMs = backoffMsMin;
          const events = arrivals.flatMap((one) => (one.kind === 'event' ? one.event : []));
          // They are in the order of the log, so nothing lies beyond the last of them.
          const reached = latest(position, arrivals.map(positionOf).findLast((one) => one !== null) ?? null);
          if (reached !== null && reached !== position) {
            position = reached;
            yield { kind: 'events', events, position };
            if (signal.aborted) return;
          }
          if (!wasCaughtUp && arrivals.some((one) => one.kind === 'caught-up')) {
            wasCaughtUp = true;
            // The signal has no position of its own; whatever was there before we subscribed lies behind it.
            position = latest(position, headBefore);
            yield { kind: 'caught-up', position };
          }
        }
      } finally {
        session.close();
      }
    }
    await sleep(backoffMs, undefined, { signal }).catch(() => undefined);
    backoffMs = Math.min(backoffMs * 2, backoffMsMax);
  }
}

function positionOf(arrival: Arrival): Position | null {
  if (arrival.kind === 'event') return arrival.event.position;
  return arrival.kind === 'checkpoint' ? arrival.position : null;
}

function latest(...positions: readonly (Position | null)[]): Position | null {
  let most: Position | null = null;
  for (const one of positions) if (one !== null && (most === null || isAtOrAfter(one, most))) most = one;
  return most;
}

/** One subscription of the client, as a bounded buffer. */
function openSession(
  connection: Connection,
  prefixes: readonly string[],
  after: Position | null,
  signal: AbortSignal,
) {
  const buffer: Arrival[] = [];
  /** Checkpoints and `caught-up` are told ahead of the events before them, which the client still holds. */
  const marks: { readonly afterEvents: number; readonly arrival: Arrival }[] = [];
  let taken = 0;
  let ended = false;
  let wake: () => void = () => undefined;

  const mark = (source: AllStreamSubscription, arrival: Arrival) => {
    marks.push({ afterEvents: taken + source.readableLength, arrival });
    flushMarks();
  };
  const flushMarks = () => {
    while (marks[0] !== undefined && marks[0].afterEvents <= taken) {
      const { arrival } = marks.shift() ?? {};
      if (arrival !== undefined) buffer.push(arrival);
    }
    wake();
  };
  const end = () => {
    ended = true;
    wake();
  };

  const subscription = connection.client.subscribeToAll({
    fromPosition: after === null ? START : decodePosition(after),
    filter: streamNameFilter({
      prefixes: [...prefixes],
      checkpointInterval,
      checkpointReached: async (source, reached) =>
        mark(source as AllStreamSubscription, { kind: 'checkpoint', position: encodePosition(reached) }),
    }),
  });
  const confirming = setTimeout(end, confirmMsMax);
  subscription
    .on('confirmation', () => clearTimeout(confirming))
    .on('caughtUp', () => mark(subscription, { kind: 'caught-up' }))
    .on('data', ({ event }: AllStreamResolvedEvent) => {
      taken += 1;
      if (event !== undefined) buffer.push({ kind: 'event', event: recordedEvent(event) });
      flushMarks();
      if (buffer.length >= bufferMax) subscription.pause();
    })
    .on('error', end)
    .on('end', end)
    .on('close', end);
  signal.addEventListener('abort', end, { once: true });

  return {
    /** What arrived since, at most `max`; null once it ended and all of it was taken. */
    async take(max: number): Promise<readonly Arrival[] | null> {
      while (buffer.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (buffer.length === 0) return null;
      const arrivals = buffer.splice(0, max);
      if (subscription.isPaused() && buffer.length <= bufferMax / 2) subscription.resume();
      return arrivals;
    },
    close(): void {
      clearTimeout(confirming);
      signal.removeEventListener('abort', end);
      // Leaving the loop alone would leave the server's call open.
      connection.close();
      subscription.destroy();
    },
  };
}
