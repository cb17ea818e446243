import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { RedisAddress } from './redis-client.ts';

/** Looks after a connection to Redis, so that one that is away is told of also where nobody uses it. */
export interface RedisWatch {
  /** Why it cannot be used at this moment, one sentence; null: it can. It takes as long as one command may. */
  fault(): Promise<string | null>;
  stop(): void;
}

const everyMs = 2000;
/** One that fails once was busy. */
const failuresToTell = 2;

export function watchRedis(options: {
  readonly redis: Redis;
  readonly address: RedisAddress;
  /** Does what the connection is there for. */
  readonly probe: () => Promise<unknown>;
  /** Why it cannot be used; null: it can again. Called on changes only. */
  readonly onState: (why: string | null) => void;
}): RedisWatch {
  const { redis, address, probe, onState } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  /** What the connection says of itself, which is more than a command tells that it does not take. */
  let said: string | null = null;
  redis
    .on('error', ({ message }) => {
      said = message;
    })
    .on('ready', () => {
      said = null;
    });

  async function fault(): Promise<string | null> {
    try {
      await probe();
      return null;
    } catch (error) {
      const why = said ?? (error instanceof Error ? error.message : String(error));
      return `Redis at ${address.host}:${address.port} cannot be used (${why}): check REDIS_HOST, REDIS_PORT and REDIS_PASSWORD.`;
    }
  }

  async function watch(): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const why = await fault();
      if (signal.aborted) return;
      if (why !== null) {
        failures += 1;
        if (failures === failuresToTell) onState(why);
      } else {
        if (failures >= failuresToTell) onState(null);
        failures = 0;
      }
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  void watch();
  return { fault, stop: () => stopping.abort() };
}
