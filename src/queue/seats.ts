import type { Lane } from '../domain/priority.ts';
import type { TaskMessage } from './queue.ts';

/** How many messages of each lane may be held, by how they came. */
export interface SeatCapacity {
  /** Those that a publisher offered for now. */
  readonly ready: number;
  /** Follow-ups, and those that were offered for later. */
  readonly waiting: number;
}

export type Seat = 'ready' | 'waiting';

/**
 * Who gets a place in a bounded queue. A message keeps its seat from its publication to its first delivery, in
 * its own lane, so that neither the backlog nor the follow-ups can shut out what a publisher offers:
 *
 * - A follow-up (hop 0, caused by a recorded fact) takes a waiting seat and is refused first. It stands in the
 *   ledger and can be published again.
 * - A publisher's message takes a ready seat, or a waiting one where it is to come later.
 * - A next hop needs no seat. It replaces the message whose handler publishes it, so it makes the queue no longer
 *   than it was; were it refused, full queues and workers that cannot hand on would wait for each other for ever.
 *
 * So a lane holds at most `ready + waiting` messages, those in flight when it was full, and their next hops.
 */
export function createSeats(capacity: SeatCapacity): {
  take(message: TaskMessage, later: boolean): Seat | null | 'none-free';
  leave(lane: Lane, seat: Seat | null): void;
} {
  const taken: Readonly<Record<Lane, Record<Seat, number>>> = {
    'real-time': { ready: 0, waiting: 0 },
    backlog: { ready: 0, waiting: 0 },
  };
  return {
    take(message, later) {
      if (message.hop > 0) return null;
      const seat = later || message.causationId !== null ? 'waiting' : 'ready';
      const seats = taken[message.lane];
      if (seats[seat] >= capacity[seat]) return 'none-free';
      seats[seat] += 1;
      return seat;
    },
    leave(lane, seat) {
      if (seat !== null) taken[lane][seat] -= 1;
    },
  };
}
