import type { Redis } from 'ioredis';
import type { SharedAnswer } from '../domain/answer.ts';
import type { Provider } from '../domain/provider.ts';
import type { AnswerCache } from './answer-cache.ts';
import { createSharedReads } from './shared-reads.ts';

const dayMs = 24 * 3600 * 1000;
/** An answer that found nothing is kept twice as long each time it is found again, up to this many times. */
const doublingsMax = 5;
/** How long it is remembered how often nothing was found. */
const missesMemoryMs = 70 * dayMs;
const valueCharsMax = 32 * 1024;
const prefix = 'enrichment:answer:';
const missesPrefix = 'enrichment:misses:';

export interface RedisCacheOptions {
  /** Ended by `close`. */
  readonly redis: Redis;
  /** How old an answer that found something may grow, in milliseconds from its call. */
  readonly ttlMs: Readonly<Record<Provider, number>>;
  /** The same for an answer that found nothing, the first time. */
  readonly missingTtlMs?: number;
  /** The clock that `calledAt` is measured with, in milliseconds since 1970. */
  readonly now?: () => number;
}

interface Kept {
  readonly answer: SharedAnswer;
  readonly expiresAtMs: number;
}

/** The cache that workers share. A Redis that is away or slow is one that knows nothing. */
export function createRedisCache({
  redis,
  ttlMs,
  missingTtlMs = dayMs,
  now = Date.now,
}: RedisCacheOptions): AnswerCache {
  const read = createSharedReads(redis);

  /** How often nothing was found in a row, this time included. */
  async function missesOf(key: string): Promise<number> {
    const results = await redis
      .multi()
      .incr(missesPrefix + key)
      .pexpire(missesPrefix + key, missesMemoryMs)
      .exec();
    return Number(results?.[0]?.[1] ?? 1);
  }

  async function keep(key: string, answer: SharedAnswer): Promise<void> {
    const isMissing = answer.answer.kind === 'missing';
    const doublings = isMissing ? Math.min((await missesOf(key)) - 1, doublingsMax) : 0;
    const ageMsMax = isMissing ? missingTtlMs * 2 ** doublings : ttlMs[answer.provider];
    const expiresAtMs = Date.parse(answer.calledAt) + ageMsMax;
    const leftMs = expiresAtMs - now();
    const value = JSON.stringify({ answer, expiresAtMs } satisfies Kept);
    if (leftMs <= 0 || value.length > valueCharsMax) return;
    await redis.set(prefix + key, value, 'PX', Math.ceil(leftMs));
    if (!isMissing) await redis.del(missesPrefix + key);
  }

  return {
    async get(key) {
      try {
        const value = await read(prefix + key);
        if (value === null) return null;
        const { answer, expiresAtMs } = JSON.parse(value) as Kept;
        return expiresAtMs > now() ? answer : null;
      } catch {
        return null;
      }
    },
    set: (key, answer) => keep(key, answer).catch(() => undefined),
    async close() {
      redis.disconnect();
    },
  };
}
