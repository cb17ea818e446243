import { LRUCache } from 'lru-cache';
import type { SharedAnswer } from '../domain/answer.ts';
import type { Provider } from '../domain/provider.ts';
import type { AnswerCache } from './answer-cache.ts';

export interface MemoryCacheOptions {
  /** How long an answer that found something is kept, from its call. */
  readonly ttlMs: Readonly<Record<Provider, number>>;
  /** How long "no such track" is kept, from its call. */
  readonly missingTtlMs: number;
  /** What all answers may take together, as JSON. */
  readonly bytesMax: number;
  readonly now?: () => number;
}

/** The cache of the embedded mode: in this process, the least recently used answers go first. */
export function createMemoryCache(options: MemoryCacheOptions): AnswerCache {
  const { ttlMs, missingTtlMs, bytesMax, now = Date.now } = options;
  // Kept as text: small, and nobody can change what the next one reads.
  const answers = new LRUCache<string, { readonly text: string; readonly untilMs: number }>({
    maxSize: bytesMax,
    sizeCalculation: ({ text }, key) => 2 * (text.length + key.length),
  });
  return {
    async get(key) {
      const kept = answers.get(key);
      if (kept === undefined) return null;
      if (kept.untilMs > now()) return JSON.parse(kept.text) as SharedAnswer;
      answers.delete(key);
      return null;
    },
    async set(key, answer) {
      const ttl = answer.answer.kind === 'missing' ? missingTtlMs : ttlMs[answer.provider];
      const untilMs = Date.parse(answer.calledAt) + ttl;
      if (untilMs > now()) answers.set(key, { text: JSON.stringify(answer), untilMs });
    },
    async close() {
      answers.clear();
    },
  };
}
