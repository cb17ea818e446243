import type { Redis } from 'ioredis';
import type { SharedAnswer } from '../domain/answer.ts';
import type { AnswerCache } from './answer-cache.ts';
import { type AnswerLifeOptions, createAnswerLife } from './answer-life.ts';
import { isObject, isSharedAnswer, keptCharsMax, parseJson } from './kept-answer.ts';
import { createSharedReads } from './shared-reads.ts';

/** The number rises when the form of what is kept changes; that of the answers stands in the keys themselves. */
const prefix = 'enrichment:answer:2:';

export interface RedisCacheOptions extends AnswerLifeOptions {
  /** Ended by `close`. */
  readonly redis: Redis;
  /** The clock that `calledAt` is measured with, in milliseconds since 1970. */
  readonly now?: () => number;
}

interface Kept {
  readonly answer: SharedAnswer;
  /** How often in a row nothing was found; 0: something was. */
  readonly misses: number;
}

/**
 * The cache that workers share. A Redis that is away or slow is one that knows nothing, and so is one that holds
 * something else under a key.
 */
export function createRedisCache({ redis, now = Date.now, ...options }: RedisCacheOptions): AnswerCache {
  const life = createAnswerLife(options);
  const read = createSharedReads(redis);

  async function keep(key: string, answer: SharedAnswer): Promise<void> {
    // Only of what was not found it matters what was there before.
    const before = answer.answer.kind === 'missing' ? readKept(await redis.get(prefix + key)) : null;
    const misses = life.missesAfter(
      before && { calledAtMs: Date.parse(before.answer.calledAt), misses: before.misses },
      answer,
    );
    if (life.expiresAtMs(answer, misses) <= now()) return;
    const value = JSON.stringify({ answer, misses } satisfies Kept);
    if (value.length > keptCharsMax) return;
    await redis.set(prefix + key, value, 'PX', Math.ceil(life.forgottenAtMs(answer, misses) - now()));
  }

  return {
    async get(key) {
      try {
        const kept = readKept(await read(prefix + key));
        return kept !== null && life.expiresAtMs(kept.answer, kept.misses) > now() ? kept.answer : null;
      } catch {
        return null;
      }
    },
    set: (key, answer) => keep(key, answer).catch(() => undefined),
    async forget(key) {
      await redis.del(prefix + key);
    },
    async close() {
      redis.disconnect();
    },
  };
}

function readKept(text: string | null): Kept | null {
  const value = text === null ? null : parseJson(text);
  if (!isObject(value) || !isSharedAnswer(value.answer)) return null;
  const { answer, misses } = value;
  // What was not found was not found at least once, and what was found not at all.
  const isCount = typeof misses === 'number' && Number.isSafeInteger(misses) && misses >= 0;
  return isCount && misses > 0 === (answer.answer.kind === 'missing') ? { answer, misses } : null;
}
