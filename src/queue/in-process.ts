import type { Lane } from '../domain/priority.ts';
import { createDeadLetterBox } from './dead-letters.ts';
import { createDelayed } from './delayed.ts';
import type { Consumer, DeliveryHandler, TaskMessage, TaskQueue } from './queue.ts';
import { createReadyMessages } from './ready-messages.ts';
import { createSeats, type Seat, type SeatCapacity } from './seats.ts';

export interface InProcessQueueOptions {
  /** Messages of each lane that it holds; see `createSeats` for who is refused first. */
  readonly capacity: SeatCapacity;
  /** A message that was delivered this often without success becomes a dead letter. */
  readonly deliveryLimit?: number;
  /** How long a message rests after a delivery that failed. */
  readonly redeliveryDelayMs?: number;
  /** Dead letters that it holds; beyond them the oldest is dropped. */
  readonly deadLettersMax?: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

export interface QueueDepth {
  readonly ready: number;
  /** Messages whose time has not come, those that rest after a failed delivery included. */
  readonly waiting: number;
  readonly inFlight: number;
  readonly deadLetters: number;
}

export interface InProcessQueue extends TaskQueue {
  depth(): QueueDepth;
}

interface Held {
  readonly message: TaskMessage;
  deliveries: number;
  seat: Seat | null;
}

interface Taker {
  readonly handler: DeliveryHandler;
  readonly lanes: readonly Lane[];
  free: number;
  stopped: boolean;
  readonly inHand: Set<Promise<void>>;
}

/**
 * The queue of the embedded mode. It is gone with its process: what was accepted and is not finished is found
 * again from the ledger and the input. Waits are exact, without tiers.
 */
export function createInProcessQueue(options: InProcessQueueOptions): InProcessQueue {
  const { capacity, deliveryLimit = 5, redeliveryDelayMs = 1000, deadLettersMax = 10_000 } = options;
  const now = options.now ?? (() => performance.now());
  const seats = createSeats(capacity);
  const ready = createReadyMessages<Held>();
  const delayed = createDelayed<Held>(now, makeReady);
  const deadLetters = createDeadLetterBox({ lettersMax: deadLettersMax, tryAgainMs: redeliveryDelayMs });
  const takers = new Set<Taker>();
  let round: NodeJS.Immediate | null = null;
  let inFlight = 0;
  let closed = false;

  function makeReady(held: Held): void {
    ready.push(held);
    scheduleRound();
  }

  /** Rounds are apart by a turn of the event loop, so that neither handlers recurse nor input and timers starve. */
  function scheduleRound(): void {
    if (round === null && takers.size > 0 && !closed) round = setImmediate(deliverRound);
  }

  function deliverRound(): void {
    round = null;
    for (const taker of takers) {
      while (taker.free > 0 && !taker.stopped) {
        const held = ready.take(taker.lanes);
        if (held === undefined) break;
        deliver(held, taker);
      }
    }
  }

  function deliver(held: Held, taker: Taker): void {
    seats.leave(held.message.lane, held.seat);
    held.seat = null;
    held.deliveries += 1;
    taker.free -= 1;
    inFlight += 1;
    const work: Promise<void> = handle(held, taker).finally(() => {
      taker.inHand.delete(work);
      taker.free += 1;
      inFlight -= 1;
      if (ready.size > 0) scheduleRound();
    });
    taker.inHand.add(work);
  }

  async function handle(held: Held, taker: Taker): Promise<void> {
    const { message, deliveries } = held;
    try {
      await taker.handler({ message, redelivered: deliveries > 1 });
    } catch {
      // Whoever handles it has logged why; here it only comes again.
      if (closed) return;
      if (deliveries >= deliveryLimit) deadLetters.add({ message, reason: 'delivery_limit' });
      else delayed.add(held, redeliveryDelayMs);
    }
  }

  async function stop(taker: Taker): Promise<void> {
    taker.stopped = true;
    takers.delete(taker);
    await Promise.all(taker.inHand);
  }

  return {
    async publish(message, { delayMs = 0 } = {}) {
      const seat = closed ? 'none-free' : seats.take(message, delayMs > 0);
      if (seat === 'none-free') return 'refused';
      const held: Held = { message, deliveries: 0, seat };
      if (delayMs > 0) delayed.add(held, delayMs);
      else makeReady(held);
      return 'confirmed';
    },
    consume(handler, { lanes, concurrency }): Consumer {
      const taker: Taker = { handler, lanes, free: concurrency, stopped: false, inHand: new Set() };
      takers.add(taker);
      scheduleRound();
      return { stop: () => stop(taker) };
    },
    consumeDeadLetters: deadLetters.consume,
    depth: () => ({ ready: ready.size, waiting: delayed.size, inFlight, deadLetters: deadLetters.size }),
    async close() {
      closed = true;
      if (round !== null) clearImmediate(round);
      delayed.clear();
      await Promise.all([...takers].map(stop));
      await deadLetters.close();
      ready.clear();
    },
  };
}
