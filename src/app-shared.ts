import type { AnswerCache } from './cache/answer-cache.ts';
import { createMemoryCache } from './cache/memory.ts';
import { createMemorySingleFlight } from './cache/memory-single-flight.ts';
import { createRedisCache } from './cache/redis.ts';
import { createRedis, type RedisAddress } from './cache/redis-client.ts';
import { createRedisSingleFlight } from './cache/redis-single-flight.ts';
import { watchRedis } from './cache/redis-watch.ts';
import type { SingleFlight } from './cache/single-flight.ts';
import type { Config } from './config.ts';
import { providers } from './domain/provider.ts';
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
  /** Why nobody may call a provider at this moment, one sentence; null: the gates answer. */
  gateFault(): Promise<string | null>;
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
    gateFault: async () => null,
    close: async () => undefined,
  };
}

/** What a worker is told of the parts that it shares: why one is away, or null when it is back. */
export interface SharedStates {
  readonly onGateState: (why: string | null) => void;
  readonly onCacheState: (why: string | null) => void;
}

/** What every worker has in common. Cache and gates have a connection each: one may be slow, the other must not. */
export function sharedByAll(
  config: Config,
  address: RedisAddress,
  { onGateState, onCacheState }: SharedStates,
): SharedParts {
  const [cacheRedis, gateRedis] = [
    createRedis(address, cacheAnswerMsMax),
    createRedis(address, gateAnswerMsMax),
  ];
  const cache = createRedisCache({
    redis: cacheRedis,
    ttlMs: config.cacheTtlMs,
    missingTtlMs: config.cacheMissingTtlMs,
  });
  const gates = createRedisGates({ redis: gateRedis, limits: config.gateLimits });
  const [provider] = providers;
  const watches = {
    cache: watchRedis({ redis: cacheRedis, address, probe: () => cacheRedis.ping(), onState: onCacheState }),
    gates: watchRedis({
      redis: gateRedis,
      address,
      probe: () => gates.status(provider),
      onState: onGateState,
    }),
  };
  return {
    cache,
    gates,
    flights: createRedisSingleFlight({ redis: cacheRedis, read: readFlightValue }),
    gateFault: watches.gates.fault,
    async close() {
      watches.cache.stop();
      watches.gates.stop();
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
