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
  const snapshot: { [Field in TrackField]?: ValueSource<TrackValues[Field]> } = {};
  for (const field of trackFields) {
    const [first] = rankedFor(field, contributions, rules);
    if (first === undefined) continue;
    const { provider, eventId, revision, match } = first;
    const value = match.candidate.values[field];
    Object.assign(snapshot, {
      [field]: { value, provider, eventId, revision, confidence: match.confidence },
    });
  }
  const sources = providers.filter((provider) => contributions.some((one) => one.provider === provider));
  return { snapshot, sources };
}

/** What every answer brings that matches, the newest first. */
export function contributionsOf(
  request: TaskRequest,
  found: readonly Finding[],
  rules: Rules,
): readonly Contribution[] {
  // One answer may be recorded many times: whoever reads a stream may have made them one object.
  const judged = new Map<readonly Candidate[], MatchResult>();
  return found.toReversed().flatMap(({ provider, eventId, revision, outcome }) => {
    if (outcome.kind !== 'found') return [];
    const { candidates } = outcome;
    const result = judged.get(candidates) ?? matchCandidates(request, candidates, rules);
    judged.set(candidates, result);
    return result.match === null ? [] : [{ provider, eventId, revision, match: result.match }];
  });
}

/** Those that have the field and are trusted for it, in the order in which they are taken: the first one wins. */
export function rankedFor(
  field: TrackField,
  contributions: readonly Contribution[],
  rules: Rules,
): readonly Contribution[] {
  const having = contributions.filter(({ match }) => match.candidate.values[field] !== undefined);
  if (having.length === 0) return having;
  return trustedFor(field, rules).flatMap((provider) => having.filter((one) => one.provider === provider));
}

/** The request that all answers of the track are matched to. */
export function newestRequest(state: TrackState): TaskRequest | null {
  if (state.newestRequestTaskId === null) return null;
  return state.tasks.get(state.newestRequestTaskId)?.request ?? null;
}
