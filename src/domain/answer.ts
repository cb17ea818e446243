import type { Provider } from './provider.ts';
import type { TrackValues } from './track-values.ts';

/** One question to one provider. */
export type Lookup =
  | { readonly kind: 'isrc'; readonly isrc: string }
  | { readonly kind: 'search'; readonly artist: string; readonly title: string };

/** One track as a provider describes it, reduced to what a decision can need. */
export interface Candidate {
  /** The provider's own id of it; empty where it gives none. */
  readonly id: string;
  readonly title: string;
  readonly artists: readonly string[];
  readonly durationMs: number | null;
  readonly isrcs: readonly string[];
  /** What it would contribute if it is the track. */
  readonly values: Partial<TrackValues>;
}

export type UnavailableReason =
  | 'timeout'
  | 'connection'
  | 'server-error'
  | 'broken-body'
  /** The provider sheds load; it says nothing about our own rate. */
  | 'overloaded'
  /** Our token ran out while in use; the next call brings a new one. */
  | 'token-expired';

/** What one call to a provider came to. Expected trouble is data: a client never throws for it. */
export type Outcome =
  | { readonly kind: 'found'; readonly candidates: readonly Candidate[]; readonly bodyHash: string }
  | { readonly kind: 'missing'; readonly reason: 'no-result' | 'shadow-entry'; readonly bodyHash: string }
  | { readonly kind: 'misused'; readonly message: string }
  | { readonly kind: 'unauthorised'; readonly message: string }
  | {
      readonly kind: 'throttled';
      readonly scope: 'rate' | 'quota';
      /** How long the provider asked us to stay away, in milliseconds. */
      readonly retryAfterMs: number;
      readonly message: string;
    }
  | {
      readonly kind: 'unavailable';
      readonly reason: UnavailableReason;
      readonly retryAfterMs: number | null;
      readonly message: string;
    };

/** The outcomes that answer the question, and may be kept and shared. */
export type Answer = Extract<Outcome, { kind: 'found' | 'missing' }>;

export function isAnswer(outcome: Outcome): outcome is Answer {
  return outcome.kind === 'found' || outcome.kind === 'missing';
}

export const answerLimits = { candidatesMax: 5, bytesMax: 4096 } as const;

const utf8 = new TextEncoder();

/** Keeps the first candidates that fit into `answerLimits` together; a single one that is too long is dropped. */
export function boundCandidates(candidates: readonly Candidate[]): readonly Candidate[] {
  const kept: Candidate[] = [];
  let bytes = 2;
  for (const candidate of candidates) {
    if (kept.length === answerLimits.candidatesMax) break;
    const size = utf8.encode(JSON.stringify(candidate)).length + 1;
    if (bytes + size > answerLimits.bytesMax) continue;
    kept.push(candidate);
    bytes += size;
  }
  return kept;
}

/** An answer as a cache or another task hands it on: with the call that it came from. */
export interface SharedAnswer {
  readonly provider: Provider;
  readonly lookup: Lookup;
  readonly answer: Answer;
  /** When the provider was called, ISO 8601: an answer's age runs from here, however often it is handed on. */
  readonly calledAt: string;
  /** The `ApiCalled` that recorded it. */
  readonly eventId: string;
}
