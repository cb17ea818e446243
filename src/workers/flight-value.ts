import { isObject, isSharedAnswer } from '../cache/kept-answer.ts';
import type { Outcome, SharedAnswer } from '../domain/answer.ts';

/** What a flight hands to those who followed it. */
export type FlightValue =
  | { readonly kind: 'answer'; readonly shared: SharedAnswer }
  | { readonly kind: 'no-answer'; readonly outcome: Outcome; readonly untilMs: number }
  | { readonly kind: 'turned-away'; readonly untilMs: number };

const noAnswers: ReadonlySet<unknown> = new Set(['misused', 'unauthorised', 'throttled', 'unavailable']);

/** Reads what a flight of another process left; null: it is none, whoever wrote it. */
export function readFlightValue(value: unknown): FlightValue | null {
  if (!isObject(value)) return null;
  const { kind, shared, outcome, untilMs } = value;
  if (kind === 'answer') return isSharedAnswer(shared) ? { kind, shared } : null;
  if (typeof untilMs !== 'number' || !Number.isFinite(new Date(untilMs).getTime())) return null;
  if (kind === 'turned-away') return { kind, untilMs };
  if (kind !== 'no-answer' || !isObject(outcome) || !noAnswers.has(outcome.kind)) return null;
  // Of an outcome that is no answer a follower looks at the kind alone.
  return { kind, outcome: outcome as unknown as Outcome, untilMs };
}
