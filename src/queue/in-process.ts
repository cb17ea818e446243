import type { Lane } from '../domain/priority.ts';
import { createDueHeap } from './due-heap.ts';
import { createFifo, type Fifo } from './fifo.ts';
import type {
  ConsumeOptions,
  Consumer,
  DeadLetter,
  DeadLetterHandler,
  Delivery,
  DeliveryHandler,
  TaskMessage,
  TaskQueue,
} from './queue.ts';

export interface InProcessQueueOptions {
  /** Messages held, of each lane apart: those that are ready and those that wait for their time. */
  readonly capacity: { readonly ready: number; readonly waiting: number };
  readonly now?: () => number;
}

export interface InProcessQueue extends TaskQueue {
  depth(): { readonly ready: number; readonly waiting: number; readonly inFlight: number };
}

/** A message that no handler settles in this many deliveries is given up. */
const deliveriesMax = 5;
const redeliverAfterMs = 100;
const deadLettersMax = 1000;
const deadLetterAgainAfterMs = 1000;
/** Node's timers hold no more. */
const timerMsMax = 2 ** 31 - 1;
const priorities = 11;

interface Held {
  readonly message: TaskMessage;
  readonly deliveries: number;
}

interface Taking {
  readonly handler: DeliveryHandler;
  readonly options: ConsumeOptions;
  inFlight: number;
  stopped: boolean;
  readonly idle: (() => void)[];
}

/** The queue of the embedded mode: in memory. What it held at a kill is found again from the ledger and the input. */
export function createInProcessQueue({ capacity, now = Date.now }: InProcessQueueOptions): InProcessQueue {
  const lanes: Record<Lane, Fifo<Held>[]> = { 'real-time': queues(), backlog: queues() };
  const ready: Record<Lane, number> = { 'real-time': 0, backlog: 0 };
  const waitingIn: Record<Lane, number> = { 'real-time': 0, backlog: 0 };
  const waiting = createDueHeap<Held>();
  const consumers: Taking[] = [];
  const deadLetters: DeadLetter[] = [];
  let deadLetterHandler: DeadLetterHandler | null = null;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  function makeReady(held: Held): void {
    const { lane, priority } = held.message;
    lanes[lane][priority]?.push(held);
    ready[lane] += 1;
  }

  function makeWait(held: Held, delayMs: number): void {
    waiting.push(now() + delayMs, held);
    waitingIn[held.message.lane] += 1;
    setTimer();
  }

  function setTimer(): void {
    const dueMs = waiting.nextDueMs();
    if (timer !== null) clearTimeout(timer);
    timer =
      dueMs === null || closed ? null : setTimeout(ripen, Math.min(Math.max(0, dueMs - now()), timerMsMax));
  }

  function ripen(): void {
    for (let held = waiting.popDue(now()); held !== null; held = waiting.popDue(now())) {
      waitingIn[held.message.lane] -= 1;
      makeReady(held);
    }
    setTimer();
    pump();
  }

  function pump(): void {
    for (const consumer of consumers) {
      while (!consumer.stopped && consumer.inFlight < consumer.options.concurrency) {
        const held = take(consumer.options.lanes);
        if (held === null) break;
        consumer.inFlight += 1;
        void deliver(consumer, held);
      }
    }
  }

  function take(wanted: readonly Lane[]): Held | null {
    for (let priority = priorities - 1; priority >= 0; priority--) {
      for (const lane of wanted) {
        const held = lanes[lane][priority]?.shift();
        if (held === undefined) continue;
        ready[lane] -= 1;
        return held;
      }
    }
    return null;
  }

  async function deliver(consumer: Taking, { message, deliveries }: Held): Promise<void> {
    const delivery: Delivery = { message, redelivered: deliveries > 0 };
    try {
      await consumer.handler(delivery);
    } catch {
      if (closed || consumer.stopped) {
        // Nobody takes it any more; the ledger and the input know of it.
      } else if (deliveries + 1 >= deliveriesMax) {
        giveUp({ message, reason: 'delivery_limit' });
      } else {
        makeWait({ message, deliveries: deliveries + 1 }, redeliverAfterMs);
      }
    }
    consumer.inFlight -= 1;
    if (consumer.inFlight === 0) for (const done of consumer.idle.splice(0)) done();
    pump();
  }

  function giveUp(letter: DeadLetter): void {
    if (deadLetters.length < deadLettersMax) deadLetters.push(letter);
    if (deadLetters.length === 1) void handDeadLetters();
  }

  async function handDeadLetters(): Promise<void> {
    for (
      let letter = deadLetters[0];
      letter !== undefined && deadLetterHandler !== null && !closed;
      letter = deadLetters[0]
    ) {
      try {
        await deadLetterHandler(letter);
        deadLetters.shift();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, deadLetterAgainAfterMs).unref());
      }
    }
  }

  return {
    async publish(message, { delayMs = 0 } = {}) {
      if (closed) return 'refused';
      const priority = Math.min(priorities - 1, Math.max(0, Math.round(message.priority)));
      const held = { message: { ...message, priority }, deliveries: 0 };
      if (delayMs > 0) {
        if (waitingIn[message.lane] >= capacity.waiting) return 'refused';
        makeWait(held, delayMs);
      } else {
        if (ready[message.lane] >= capacity.ready) return 'refused';
        makeReady(held);
        pump();
      }
      return 'confirmed';
    },

    consume(handler, options): Consumer {
      const consumer: Taking = { handler, options, inFlight: 0, stopped: false, idle: [] };
      consumers.push(consumer);
      pump();
      return {
        stop() {
          consumer.stopped = true;
          if (consumer.inFlight === 0) return Promise.resolve();
          return new Promise((resolve) => {
            consumer.idle.push(resolve);
          });
        },
      };
    },

    consumeDeadLetters(handler): Consumer {
      deadLetterHandler = handler;
      void handDeadLetters();
      return {
        async stop() {
          deadLetterHandler = null;
        },
      };
    },

    async close() {
      closed = true;
      setTimer();
    },

    depth: () => ({
      ready: ready['real-time'] + ready.backlog,
      waiting: waiting.size,
      inFlight: consumers.reduce((sum, { inFlight }) => sum + inFlight, 0),
    }),
  };
}

function queues(): Fifo<Held>[] {
  return Array.from({ length: priorities }, () => createFifo<Held>());
}
