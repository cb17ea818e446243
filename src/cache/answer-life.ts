import type { SharedAnswer } from '../domain/answer.ts';
import type { Provider } from '../domain/provider.ts';

const dayMs = 24 * 3600 * 1000;
/** An answer that found nothing is kept twice as long each time that turns out to be still so: 1, 2, 4 … 32 days. */
const missesMax = 6;

export interface AnswerLifeOptions {
  /** How old an answer that found something may grow, in milliseconds from its call. */
  readonly ttlMs: Readonly<Record<Provider, number>>;
  /** The same for an answer that found nothing, the first time. */
  readonly missingTtlMs?: number;
}

/** What is remembered of answers that found nothing: the newest call, and how often in a row it was so. */
export interface Misses {
  readonly calledAtMs: number;
  /** From 1; 0: the newest answer found something. */
  readonly misses: number;
}

/** How long answers are good. Times are milliseconds since 1970. */
export interface AnswerLife {
  expiresAtMs(answer: SharedAnswer, misses: number): number;
  /** Until when it is remembered that nothing was found; with `expiresAtMs` where something was. */
  forgottenAtMs(answer: SharedAnswer, misses: number): number;
  /** What is to be remembered with this answer, which comes after what was remembered before. */
  missesAfter(before: Misses | null, answer: SharedAnswer): number;
}

export function createAnswerLife({ ttlMs, missingTtlMs = dayMs }: AnswerLifeOptions): AnswerLife {
  const missLifeMs = (misses: number) => missingTtlMs * 2 ** (Math.max(1, Math.min(misses, missesMax)) - 1);
  /** Who is not asked about for so long after it expired begins anew. */
  const memoryMs = missLifeMs(missesMax);

  function expiresAtMs({ answer, provider, calledAt }: SharedAnswer, misses: number): number {
    return Date.parse(calledAt) + (answer.kind === 'missing' ? missLifeMs(misses) : ttlMs[provider]);
  }

  return {
    expiresAtMs,
    forgottenAtMs: (shared, misses) =>
      expiresAtMs(shared, misses) + (shared.answer.kind === 'missing' ? memoryMs : 0),
    missesAfter(before, { answer, calledAt }) {
      if (answer.kind !== 'missing') return 0;
      if (before === null || before.misses === 0) return 1;
      const lateMs = Date.parse(calledAt) - (before.calledAtMs + missLifeMs(before.misses));
      // The same call told twice, or one that was made before its time, says nothing new.
      if (lateMs < 0) return before.misses;
      return lateMs < memoryMs ? Math.min(before.misses + 1, missesMax) : 1;
    },
  };
}
