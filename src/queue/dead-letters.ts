import type { Consumer, DeadLetter, DeadLetterHandler } from './queue.ts';

/** What the in-process queue gave up, until somebody takes it. */
export interface DeadLetterBox {
  readonly size: number;
  add(letter: DeadLetter): void;
  /** Hands them over one at a time; one whose handler rejects is tried again, later every time. */
  consume(handler: DeadLetterHandler): Consumer;
  /** Stops every consumer and forgets the rest. */
  close(): Promise<void>;
}

const tryAgainMsMax = 60_000;

interface Taker {
  readonly handler: DeadLetterHandler;
  failuresInARow: number;
  pause: NodeJS.Timeout | null;
  working: Promise<void> | null;
  stopped: boolean;
}

/** @param lettersMax beyond it the oldest is dropped: the ledger still knows its task as unfinished */
export function createDeadLetterBox(options: {
  readonly lettersMax: number;
  readonly tryAgainMs: number;
}): DeadLetterBox {
  const letters: DeadLetter[] = [];
  const takers = new Set<Taker>();

  function keepWithinLimit(): void {
    if (letters.length > options.lettersMax) letters.splice(0, letters.length - options.lettersMax);
  }

  function handOver(taker: Taker): void {
    if (taker.stopped || taker.working !== null || taker.pause !== null) return;
    const letter = letters.shift();
    if (letter === undefined) return;
    taker.working = work(taker, letter).finally(() => {
      taker.working = null;
      handOver(taker);
    });
  }

  async function work(taker: Taker, letter: DeadLetter): Promise<void> {
    try {
      await taker.handler(letter);
      taker.failuresInARow = 0;
    } catch {
      letters.unshift(letter);
      keepWithinLimit();
      if (taker.stopped) return;
      const pauseMs = Math.min(tryAgainMsMax, options.tryAgainMs * 2 ** taker.failuresInARow);
      taker.failuresInARow += 1;
      taker.pause = setTimeout(() => {
        taker.pause = null;
        handOver(taker);
      }, pauseMs);
    }
  }

  async function stop(taker: Taker): Promise<void> {
    taker.stopped = true;
    takers.delete(taker);
    if (taker.pause !== null) clearTimeout(taker.pause);
    await taker.working;
  }

  return {
    get size() {
      return letters.length;
    },
    add(letter) {
      letters.push(letter);
      keepWithinLimit();
      for (const taker of takers) handOver(taker);
    },
    consume(handler) {
      const taker: Taker = { handler, failuresInARow: 0, pause: null, working: null, stopped: false };
      takers.add(taker);
      handOver(taker);
      return { stop: () => stop(taker) };
    },
    async close() {
      await Promise.all([...takers].map(stop));
      letters.length = 0;
    },
  };
}
