import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from './eventstoredb-connection.ts';
import { isAtOrAfter } from './eventstoredb-position.ts';
import { type Arrival, openSession } from './eventstoredb-session.ts';
import type { Position, SentEvent, SubscribeOptions, SubscriptionMessage } from './ledger.ts';

const batchMax = 500;
const backoffMsMin = 100;
const backoffMsMax = 5000;

/**
 * Follows `$all`, filtered by the server, across any end of the subscription: an error, a server that stops, one that
 * finds us too slow, an end without a word. It goes on after the last event that it took in.
 *
 * @param newConnection one for each subscription: ending one closes the client's whole connection
 * @param read makes what is handed over of an event
 */
export async function* followAll<Event>(
  newConnection: () => Connection,
  read: (event: SentEvent) => Event,
  head: () => Promise<Position | null>,
  { prefixes, after, signal }: SubscribeOptions,
): AsyncGenerator<SubscriptionMessage<Event>> {
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
          const events = arrivals.flatMap((one) => (one.kind === 'event' ? read(one.event) : []));
          // They are in the order of the log, so nothing lies beyond the last of them.
          const reached = latest(position, positionOf(arrivals.findLast((one) => one.kind !== 'caught-up')));
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

function positionOf(arrival: Arrival | undefined): Position | null {
  if (arrival === undefined || arrival.kind === 'caught-up') return null;
  return arrival.kind === 'event' ? arrival.event.position : arrival.position;
}

function latest(...positions: readonly (Position | null)[]): Position | null {
  let most: Position | null = null;
  for (const one of positions) if (one !== null && (most === null || isAtOrAfter(one, most))) most = one;
  return most;
}
