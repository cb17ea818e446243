import type { Candidate } from './answer.ts';
import { guestsOf, normaliseArtists, normaliseIsrc, normaliseTitle } from './normalise.ts';
import { defaultRules, type MatchingRules, type Rules } from './rules.ts';
import type { TaskRequest } from './task.ts';

export type MatchReason = 'same-isrc' | 'same-title' | 'same-artists' | 'same-duration' | 'duration-unknown';
export type RejectReason = 'other-title' | 'other-artists' | 'duration-apart' | 'not-sure-enough';

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
  { readonly request: TaskRequest; readonly rules: Rules; readonly result: MatchResult }
>();

/**
 * Finds the candidate that is the requested track: equal ISRC; or equal normalised title and artists, with
 * durations within the tolerance where both are known. The most confident wins, among equals the first in the
 * provider's order. Nothing else is a match, however the provider ranked it.
 */
export function matchCandidates(
  request: TaskRequest,
  candidates: readonly Candidate[],
  rules: Rules = defaultRules,
): MatchResult {
  const known = judged.get(candidates);
  if (known?.request === request && known.rules === rules) return known.result;
  const result = judgeAll(request, candidates, rules);
  judged.set(candidates, { request, rules, result });
  return result;
}

function judgeAll(request: TaskRequest, candidates: readonly Candidate[], { matching }: Rules): MatchResult {
  const rejected: Rejected[] = [];
  let best: Match | null = null;
  for (const candidate of candidates) {
    const verdict = judge(request, candidate, matching);
    if (!('confidence' in verdict)) rejected.push(verdict);
    else if (best === null || verdict.confidence > best.confidence) best = verdict;
  }
  return { match: best, rejected };
}

function judge(request: TaskRequest, candidate: Candidate, rules: MatchingRules): Match | Rejected {
  const match = findMatch(request, candidate, rules);
  if (!('confidence' in match) || match.confidence >= rules.confidenceMin) return match;
  return { candidate, reasons: ['not-sure-enough'] };
}

function findMatch(request: TaskRequest, candidate: Candidate, rules: MatchingRules): Match | Rejected {
  const { isrcIsEnough, durationToleranceMs, confidence } = rules;
  const isrc = request.isrc === null ? null : normaliseIsrc(request.isrc);
  const sameIsrc = isrc !== null && candidate.isrcs.includes(isrc);
  if (sameIsrc && isrcIsEnough) return { candidate, confidence: confidence.sameIsrc, reasons: ['same-isrc'] };
  const sameTitle = normaliseTitle(request.title) === normaliseTitle(candidate.title);
  const sameArtists = areSameArtists(request, candidate);
  const known = request.durationMs !== null && candidate.durationMs !== null;
  const apart = known && Math.abs(request.durationMs - candidate.durationMs) > durationToleranceMs;
  if (sameTitle && sameArtists && !apart) {
    const byNames = known ? confidence.sameDuration : confidence.sameNames;
    return {
      candidate,
      confidence: sameIsrc ? confidence.sameIsrc : byNames,
      reasons: [
        ...(sameIsrc ? ['same-isrc' as const] : []),
        'same-title',
        'same-artists',
        known ? 'same-duration' : 'duration-unknown',
      ],
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
