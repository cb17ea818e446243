import type { AnswerCache } from './cache/answer-cache.ts';
import { createMemoryCache } from './cache/memory.ts';
import { createMemorySingleFlight } from './cache/memory-single-flight.ts';
import { createRedisCache } from './cache/redis.ts';
import { createRedis, type RedisAddress } from './cache/redis-client.ts';
import { createRedisSingleFlight } from './cache/redis-single-flight.ts';
import type { SingleFlight } from './cache/single-flight.ts';
import type { Config } from './config.ts';
import type { ProviderGates } from './providers/gate.ts';
import { createMemoryGates } from './providers/memory-gates.ts';
import { createRedisGates } from './providers/redis-gates.ts';
import { type FlightValue, readFlightValue } from './workers/flight-value.ts';

/** A cache that takes longer than this is no help. */
const cacheAnswerMsMax = 250;
const gateAnswerMsMax = 1000;

export interface SharedParts {
  readonly cache: AnswerCache;
  readonly gates: ProviderGates;
  readonly flights: SingleFlight<FlightValue>;
  close(): Promise<void>;
}

/** What a worker keeps to itself where it is the only one. */
export function sharedByNobody(config: Config): SharedParts {
  return {
    cache: createMemoryCache({
      ttlMs: config.cacheTtlMs,
      missingTtlMs: config.cacheMissingTtlMs,
      bytesMax: config.cacheBytesMax,
    }),
    gates: createMemoryGates({ limits: config.gateLimits }),
    flights: createMemorySingleFlight<FlightValue>(),
    close: async () => undefined,
  };
}

/** What every worker has in common. Cache and gates have a connection each: one may be slow, the other must not. */
export function sharedByAll(
  config: Config,
  address: RedisAddress,
  /** Why Redis is away; null: it is back. */
  onState: (why: string | null) => void,
): SharedParts {
  const redis = createRedis(address, cacheAnswerMsMax);
  const cache = createRedisCache({
    redis,
    ttlMs: config.cacheTtlMs,
    missingTtlMs: config.cacheMissingTtlMs,
  });
  const gates = createRedisGates({
    redis: createRedis(address, gateAnswerMsMax, onState),
    limits: config.gateLimits,
  });
  return {
    cache,
    gates,
    flights: createRedisSingleFlight({ redis, read: readFlightValue }),
    async close() {
      await cache.close();
      await gates.close();
    },
  };
}

/** The cache that workers share, alone. */
export function openSharedCache(config: Config, address: RedisAddress): AnswerCache {
  return createRedisCache({
    redis: createRedis(address, gateAnswerMsMax),
    ttlMs: config.cacheTtlMs,
    missingTtlMs: config.cacheMissingTtlMs,
  });
}
