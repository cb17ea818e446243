import type { Redis } from 'ioredis';

/** Keys of one command: with the longest values it stays below a few megabytes. */
const keysMax = 100;

interface Waiting {
  readonly key: string;
  readonly resolve: (value: string | null) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Reads of single keys, of which those of one turn of the event loop share a command: a command costs a client several
 * times what a key in it does.
 *
 * @throws what the command throws, to all who share it
 */
export function createSharedReads(redis: Redis): (key: string) => Promise<string | null> {
  let waiting: Waiting[] = [];

  async function read(batch: readonly Waiting[]): Promise<void> {
    try {
      const values = await redis.mget(batch.map(({ key }) => key));
      for (const [n, { resolve }] of batch.entries()) resolve(values[n] ?? null);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  function readAll(): void {
    const all = waiting;
    waiting = [];
    for (let from = 0; from < all.length; from += keysMax) void read(all.slice(from, from + keysMax));
  }

  return (key) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(readAll);
      waiting.push({ key, resolve, reject });
    });
}
