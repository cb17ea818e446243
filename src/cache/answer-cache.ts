import type { SharedAnswer } from '../domain/answer.ts';

/**
 * The cache port: recorded answers by lookup key. It costs speed when it is away, never a task: a read that fails
 * is a miss, a write that fails is dropped. An adapter passes `test/cache/contract.ts`.
 */
export interface AnswerCache {
  get(key: string): Promise<SharedAnswer | null>;
  /** Keeps the answer until its age, counted from its call, reaches the TTL of its provider and kind. */
  set(key: string, answer: SharedAnswer): Promise<void>;
  /**
   * Drops what is known under the key.
   *
   * @throws where it cannot be said that it is gone
   */
  forget(key: string): Promise<void>;
  close(): Promise<void>;
}
