import type { Redis } from 'ioredis';
import { describe, inject } from 'vitest';
import { createRedis, type RedisAddress } from '../../src/cache/redis-client.ts';
import { sharedService } from '../support/services/shared.ts';

/** A describe whose tests need Redis; where there is none it is skipped and says what to install. */
export function describeWithRedis(name: string, define: () => void): void {
  const missing = inject('redisMissing');
  describe.skipIf(missing !== null)(missing === null ? name : `${name} (${missing})`, define);
}

export function addressOf(url: string): RedisAddress {
  const { hostname: host, port, password } = new URL(url);
  return {
    host,
    port: Number(port || 6379),
    password: password === '' ? null : decodeURIComponent(password),
  };
}

/** Where the Redis of this run is. */
export async function redisAddress(): Promise<RedisAddress> {
  const { url } = await sharedService<{ readonly url: string }>('redis');
  return addressOf(url);
}

/** A connection to the Redis of this run that is ready. */
export async function openRedis(answerMsMax = 2000): Promise<Redis> {
  const redis = createRedis(await redisAddress(), answerMsMax);
  await ready(redis);
  return redis;
}

export function ready(redis: Redis): Promise<void> {
  return redis.status === 'ready'
    ? Promise.resolve()
    : new Promise((resolve) => redis.once('ready', () => resolve()));
}
