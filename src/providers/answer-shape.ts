import { createHash } from 'node:crypto';
import type { Candidate, Outcome } from '../domain/answer.ts';
import { boundCandidates } from '../domain/answer.ts';
import type { HttpFailure } from './http.ts';

/** Reading of foreign JSON: everything may be missing, of another type, or a single element where a list should be. */
export type Fields = Readonly<Record<string, unknown>>;

const textCharsMax = 300;
const messageCharsMax = 200;
const artistsMax = 10;
/** What a database keeps in four bytes: 24 days in milliseconds. */
const wholeNumberMax = 2 ** 31 - 1;
/** A provider's longer wish is cut to this, so that times stay dates. */
const retryAfterMsMax = 30 * 24 * 3600 * 1000;

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** A list; a single element that collapsed to an object becomes a list of one. */
export function listOf(value: unknown): readonly Fields[] {
  const list = Array.isArray(value) ? value : [value];
  return list.filter((one) => typeof one === 'object' && one !== null).map(fieldsOf);
}

/** A text that is not empty, bounded, without control characters. */
export function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = cut(value.replace(/\p{Cc}+/gu, ' ').trim(), textCharsMax);
  return text === '' ? undefined : text;
}

/** The start of a text, without half a character at its end. */
export function cut(text: string, charsMax: number): string {
  return text.slice(0, charsMax).toWellFormed();
}

/** The first names of a list, empty ones left away. */
export function namesOf(names: readonly (string | undefined)[]): readonly string[] {
  return names.flatMap((name) => name ?? []).slice(0, artistsMax);
}

/** A whole number from `min` to `max`, also where it came as text; what is beyond is a mistake of the provider. */
export function numberOf(value: unknown, min: number, max = wholeNumberMax): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number >= min && number <= max
    ? Math.round(number)
    : undefined;
}

export function urlOf(value: unknown): string | undefined {
  const text = typeof value === 'string' && value.length <= 2 * textCharsMax ? value : '';
  return /^https?:\/\/[^\s\p{Cc}]+$/u.test(text) ? text.toWellFormed() : undefined;
}

/** Leaves away what is not known. */
export function known<Values extends object>(
  values: { [Key in keyof Values]: Values[Key] | undefined },
): Partial<Values> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Partial<Values>;
}

/** The body as JSON; undefined where it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function hashOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

export function foundOrMissing(candidates: readonly Candidate[], body: string): Outcome {
  const bodyHash = hashOf(body);
  const kept = boundCandidates(candidates);
  if (kept.length === 0) return { kind: 'missing', reason: 'no-result', bodyHash };
  return { kind: 'found', candidates: kept, bodyHash };
}

export function unavailableBy(failure: HttpFailure): Outcome {
  const reason = failure.reason === 'too-large' ? 'broken-body' : failure.reason;
  return { kind: 'unavailable', reason, retryAfterMs: null, message: failure.message };
}

export function brokenBody(what: string): Outcome {
  return {
    kind: 'unavailable',
    reason: 'broken-body',
    retryAfterMs: null,
    message: `${what} is not what was asked for.`,
  };
}

/** What every provider's 5xx means. */
export function serverError(status: number, retryAfter: string | null, nowMs: number): Outcome {
  const message = `The server answered ${status}.`;
  return {
    kind: 'unavailable',
    reason: 'server-error',
    retryAfterMs: retryAfterMsOf(retryAfter, nowMs),
    message,
  };
}

/** Retry-After in milliseconds, given as seconds or as a date, bounded; null where there is none, or it is 0. */
export function retryAfterMsOf(header: string | null, nowMs: number): number | null {
  if (header === null || header.trim() === '') return null;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? Math.min(Math.ceil(ms), retryAfterMsMax) : null;
}

/** A provider's own words, bounded, for an outcome's message; a secret that they repeat is left out. */
export function wordsOf(value: unknown, fallback: string, secrets: readonly string[] = []): string {
  let words = typeof value === 'string' ? value : '';
  for (const secret of secrets) if (secret !== '') words = words.replaceAll(secret, '…');
  return cut(textOf(words) ?? fallback, messageCharsMax);
}
