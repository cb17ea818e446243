import type { Candidate } from './answer.ts';
import type { Snapshot, ValueSource } from './events.ts';
import { type Match, type MatchResult, matchCandidates } from './matching.ts';
import { type Provider, providers } from './provider.ts';
import { defaultRules, type Rules, trustedFor } from './rules.ts';
import type { RecordedOutcome, TrackState } from './state.ts';
import type { TaskRequest } from './task.ts';
import { type TrackField, type TrackValues, trackFields } from './track-values.ts';

/** An answer that found something, as far as merging looks at it. */
export type Finding = Pick<RecordedOutcome, 'taskId' | 'provider' | 'outcome' | 'eventId' | 'revision'>;

/** What an answer brings that matches. */
export interface Contribution {
  readonly provider: Provider;
  readonly eventId: string;
  readonly revision: number;
  readonly match: Match;
}

/** A snapshot, and whose answers matched. */
export interface Merged {
  readonly snapshot: Snapshot;
  readonly sources: readonly Provider[];
}

/**
 * The best value of every field over all answers of the stream that match the request: by trust in the provider
 * for that field, and of one provider the newest answer that has the field. An older answer that still matches
 * fills what the newer one lacks, so that a poorer look never erases a value.
 */
export function mergeSnapshot(
  request: TaskRequest,
  found: readonly Finding[],
  rules: Rules = defaultRules,
): Merged {
  const contributions = contributionsOf(request, found, rules);
  const snapshot: Partial<Record<TrackField, ValueSource<TrackValues[TrackField]>>> = {};
  for (const field of trackFields) {
    const taken = takenFor(field, contributions, rules);
    const value = taken?.match.candidate.values[field];
    if (taken === null || value === undefined) continue;
    const { provider, eventId, revision, match } = taken;
    snapshot[field] = { value, provider, eventId, revision, confidence: match.confidence };
  }
  const sources = providers.filter((provider) => contributions.some((one) => one.provider === provider));
  return { snapshot: snapshot as Snapshot, sources };
}

/** What every answer brings that matches, the newest first. */
export function contributionsOf(
  request: TaskRequest,
  found: readonly Finding[],
  rules: Rules,
): readonly Contribution[] {
  // One answer may be recorded many times: whoever reads a stream may have made them one object.
  const judged = new Map<readonly Candidate[], MatchResult>();
  const contributions: Contribution[] = [];
  for (const { provider, eventId, revision, outcome } of found.toReversed()) {
    if (outcome.kind !== 'found') continue;
    const { candidates } = outcome;
    let result = judged.get(candidates);
    if (result === undefined) {
      result = matchCandidates(request, candidates, rules);
      judged.set(candidates, result);
    }
    if (result.match !== null) contributions.push({ provider, eventId, revision, match: result.match });
  }
  return contributions;
}

/** Whose value of the field is taken. Loops, because it is asked of every field of every track. */
function takenFor(
  field: TrackField,
  contributions: readonly Contribution[],
  rules: Rules,
): Contribution | null {
  for (const provider of trustedFor(field, rules)) {
    for (const one of contributions) {
      if (one.provider === provider && one.match.candidate.values[field] !== undefined) return one;
    }
  }
  return null;
}

/** All that have the field and are trusted for it, in the order in which they would be taken. */
export function rankedFor(
  field: TrackField,
  contributions: readonly Contribution[],
  rules: Rules,
): readonly Contribution[] {
  const taken = takenFor(field, contributions, rules);
  if (taken === null) return [];
  return [
    taken,
    ...rankedFor(
      field,
      contributions.filter((one) => one !== taken),
      rules,
    ),
  ];
}

/** The request that all answers of the track are matched to. */
export function newestRequest(state: TrackState): TaskRequest | null {
  if (state.newestRequestTaskId === null) return null;
  return state.tasks.get(state.newestRequestTaskId)?.request ?? null;
}
