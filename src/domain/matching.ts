import type { Candidate } from './answer.ts';
import { guestsOf, normaliseArtists, normaliseIsrc, normaliseTitle } from './normalise.ts';
import type { TaskRequest } from './task.ts';

/** How far two known durations of one recording may lie apart. */
export const durationToleranceMs = 5000;

export type MatchReason =
  | 'same-isrc'
  | 'same-title'
  | 'same-artists'
  | 'duration-within-5s'
  | 'duration-unknown';
export type RejectReason = 'other-title' | 'other-artists' | 'duration-apart';

export interface Match {
  readonly candidate: Candidate;
  /** 0 to 1. */
  readonly confidence: number;
  readonly reasons: readonly MatchReason[];
}

export interface Rejected {
  readonly candidate: Candidate;
  readonly reasons: readonly RejectReason[];
}

export interface MatchResult {
  readonly match: Match | null;
  readonly rejected: readonly Rejected[];
}

/** By the candidates: while a task is decided the same answer is judged for the same request several times. */
const judged = new WeakMap<
  readonly Candidate[],
  { readonly request: TaskRequest; readonly result: MatchResult }
>();

/**
 * Finds the candidate that is the requested track: equal ISRC; or equal normalised title and artists, with
 * durations within `durationToleranceMs` where both are known. The most confident wins, among equals the
 * first in the provider's order. Nothing else is a match, however the provider ranked it.
 */
export function matchCandidates(request: TaskRequest, candidates: readonly Candidate[]): MatchResult {
  const known = judged.get(candidates);
  if (known?.request === request) return known.result;
  const result = judgeAll(request, candidates);
  judged.set(candidates, { request, result });
  return result;
}

function judgeAll(request: TaskRequest, candidates: readonly Candidate[]): MatchResult {
  const matches: Match[] = [];
  const rejected: Rejected[] = [];
  for (const candidate of candidates) {
    const verdict = judge(request, candidate);
    if ('confidence' in verdict) matches.push(verdict);
    else rejected.push(verdict);
  }
  let best: Match | null = null;
  for (const match of matches) {
    if (best === null || match.confidence > best.confidence) best = match;
  }
  return { match: best, rejected };
}

function judge(request: TaskRequest, candidate: Candidate): Match | Rejected {
  const isrc = request.isrc === null ? null : normaliseIsrc(request.isrc);
  if (isrc !== null && candidate.isrcs.includes(isrc)) {
    return { candidate, confidence: 1, reasons: ['same-isrc'] };
  }
  const sameTitle = normaliseTitle(request.title) === normaliseTitle(candidate.title);
  const sameArtists = areSameArtists(request, candidate);
  const known = request.durationMs !== null && candidate.durationMs !== null;
  const apart = known && Math.abs(request.durationMs - candidate.durationMs) > durationToleranceMs;
  if (sameTitle && sameArtists && !apart) {
    return {
      candidate,
      confidence: known ? 0.95 : 0.85,
      reasons: ['same-title', 'same-artists', known ? 'duration-within-5s' : 'duration-unknown'],
    };
  }
  const reasons: RejectReason[] = [];
  if (!sameTitle) reasons.push('other-title');
  if (!sameArtists) reasons.push('other-artists');
  if (apart) reasons.push('duration-apart');
  return { candidate, reasons };
}

/** Guests may stand in the title or among the artists, or one side names none; two that name others differ. */
function areSameArtists({ artist, title }: TaskRequest, candidate: Candidate): boolean {
  const guests = guestsOf(title);
  const candidateGuests = guestsOf(candidate.title);
  const withGuests = normaliseArtists([...candidate.artists, ...candidateGuests]);
  if (normaliseArtists([artist, ...guests]) === withGuests) return true;
  if (guests.length > 0 && candidateGuests.length > 0) return false;
  return normaliseArtists([artist]) === normaliseArtists(candidate.artists);
}
