import { type MatchReason, matchCandidates, type RejectReason } from './matching.ts';
import { type Contribution, contributionsOf, type Finding, rankedFor } from './merging.ts';
import type { Provider } from './provider.ts';
import type { Rules } from './rules.ts';
import type { TaskRequest } from './task.ts';
import type { TrackField } from './track-values.ts';

export interface Loser {
  readonly value: string | number;
  readonly provider: Provider;
  readonly eventId: string;
  readonly revision: number;
  readonly confidence: number;
  readonly reasons: readonly MatchReason[];
  readonly why: 'less-trusted-provider' | 'older-answer' | 'provider-not-trusted';
}

export interface RejectedCandidate {
  readonly value: string | number;
  readonly provider: Provider;
  readonly eventId: string;
  readonly revision: number;
  readonly title: string;
  readonly artists: readonly string[];
  readonly reasons: readonly RejectReason[] | readonly ['better-candidate'];
}

/** Every answer that had a say in a field. */
export interface Considered {
  readonly ranked: readonly Omit<Loser, 'why'>[];
  readonly losers: readonly Loser[];
  readonly rejected: readonly RejectedCandidate[];
}

/** @param request null: nothing was asked for, so nothing matches */
export function consider(
  { request, found }: { readonly request: TaskRequest | null; readonly found: readonly Finding[] },
  field: TrackField,
  rules: Rules,
): Considered {
  if (request === null) return { ranked: [], losers: [], rejected: [] };
  const contributions = contributionsOf(request, found, rules);
  const ranked = rankedFor(field, contributions, rules).flatMap(plain);
  const others = contributions
    .filter(({ eventId }) => !ranked.some((one) => one.eventId === eventId))
    .flatMap(plain);
  const [first] = ranked;
  const losers = ranked.map((one): Loser => {
    const isOlder = one.provider === first?.provider;
    return { ...one, why: isOlder ? 'older-answer' : 'less-trusted-provider' };
  });
  const untrusted = others.map((one): Loser => ({ ...one, why: 'provider-not-trusted' }));
  return { ranked, losers: [...losers, ...untrusted], rejected: rejectedOf(request, found, field, rules) };

  function plain({ provider, eventId, revision, match }: Contribution): Omit<Loser, 'why'>[] {
    const value = match.candidate.values[field];
    if (value === undefined) return [];
    return [{ value, provider, eventId, revision, confidence: match.confidence, reasons: match.reasons }];
  }
}

function rejectedOf(
  request: TaskRequest,
  found: readonly Finding[],
  field: TrackField,
  rules: Rules,
): readonly RejectedCandidate[] {
  return found.flatMap(({ provider, outcome, eventId, revision }) => {
    if (outcome.kind !== 'found') return [];
    const { match, rejected } = matchCandidates(request, outcome.candidates, rules);
    return outcome.candidates.flatMap((candidate) => {
      const value = candidate.values[field];
      if (value === undefined || candidate === match?.candidate) return [];
      const reasons = rejected.find((one) => one.candidate === candidate)?.reasons ?? ['better-candidate'];
      const { title, artists } = candidate;
      return [{ value, provider, eventId, revision, title, artists, reasons } as RejectedCandidate];
    });
  });
}
