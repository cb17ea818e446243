import { LRUCache } from 'lru-cache';
import type { SharedAnswer } from '../domain/answer.ts';
import type { AnswerCache } from './answer-cache.ts';
import { type AnswerLifeOptions, createAnswerLife, type Misses } from './answer-life.ts';

/** What an entry takes beside its key and text, in bytes: the cache's own lists, roughly. */
const entryBytes = 200;

export interface MemoryCacheOptions extends AnswerLifeOptions {
  /** The memory that it may take; beyond, the answers that were not read for longest go. */
  readonly bytesMax: number;
  /** The clock that `calledAt` is measured with, in milliseconds since 1970. */
  readonly now?: () => number;
}

interface Kept extends Misses {
  /** As text, a fraction of the memory of the objects, and nothing that a reader could change. */
  readonly json: string;
  readonly expiresAtMs: number;
}

/** The cache of the embedded mode. */
export function createMemoryCache(options: MemoryCacheOptions): AnswerCache {
  const { bytesMax, now = Date.now } = options;
  const life = createAnswerLife(options);
  const kept = new LRUCache<string, Kept>({
    maxSize: bytesMax,
    sizeCalculation: ({ json }, key) => bytesOf(json) + bytesOf(key) + entryBytes,
  });
  return {
    async get(key) {
      const found = kept.get(key);
      if (found === undefined) return null;
      if (found.expiresAtMs > now()) return JSON.parse(found.json) as SharedAnswer;
      // That nothing was found is remembered for longer than it counts.
      if (found.misses === 0) kept.delete(key);
      return null;
    },
    async set(key, answer) {
      const misses = life.missesAfter(kept.peek(key) ?? null, answer);
      const expiresAtMs = life.expiresAtMs(answer, misses);
      if (expiresAtMs <= now()) return;
      kept.set(key, {
        json: JSON.stringify(answer),
        expiresAtMs,
        misses,
        calledAtMs: Date.parse(answer.calledAt),
      });
    },
    async forget(key) {
      kept.delete(key);
    },
    async close() {
      kept.clear();
    },
  };
}

/** What a text takes in memory: a byte a character as long as all of them are Latin-1. */
function bytesOf(text: string): number {
  return /[^\0-\xff]/.test(text) ? text.length * 2 : text.length;
}
