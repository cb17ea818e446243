import type { DecisionBasis } from './decisions.ts';
import type { Snapshot, ValueSource } from './events.ts';
import { matchCandidates, type RejectReason } from './matching.ts';
import type { Merged } from './merging.ts';
import type { Rules } from './rules.ts';
import { type TrackField, type TrackValues, trackFields } from './track-values.ts';

export type AnyValueSource = ValueSource<TrackValues[TrackField]>;

/** Why a field's value is another one by other rules. */
export type ChangeReason =
  /** The answer that gave the old value has no match any more. */
  | 'no-longer-matches'
  /** It has, but another candidate of it is the track. */
  | 'other-candidate'
  /** It still matches, but another answer is taken before it. */
  | 'other-answer-preferred'
  /** It still matches, but its provider is not asked for this field. */
  | 'no-longer-trusted'
  /** There was none, and an answer with one matches or is trusted now. */
  | 'matches-now'
  /** The value and its answer are the same; only how sure the match is differs. */
  | 'other-confidence';

export interface ValueChange {
  readonly field: TrackField;
  readonly before: AnyValueSource | null;
  readonly after: AnyValueSource | null;
  readonly reason: ChangeReason;
  /** Where it no longer matches: why its candidates are rejected. */
  readonly rejected: readonly RejectReason[];
}

/** What differs from a snapshot, field by field. */
export function valueChanges(
  before: Snapshot,
  decided: Merged & { readonly basis: DecisionBasis },
  rules: Rules,
): readonly ValueChange[] {
  const changes: ValueChange[] = [];
  for (const field of trackFields) {
    const [old, now] = [before[field] ?? null, decided.snapshot[field] ?? null];
    if (isSame(old, now)) continue;
    changes.push({ field, before: old, after: now, ...reasonOf(field, old, now, decided.basis, rules) });
  }
  return changes;
}

function isSame(one: AnyValueSource | null, other: AnyValueSource | null): boolean {
  if (one === null || other === null) return one === other;
  return one.value === other.value && one.eventId === other.eventId && one.confidence === other.confidence;
}

function reasonOf(
  field: TrackField,
  old: AnyValueSource | null,
  now: AnyValueSource | null,
  { request, found }: DecisionBasis,
  rules: Rules,
): Pick<ValueChange, 'reason' | 'rejected'> {
  if (old === null) return { reason: 'matches-now', rejected: [] };
  if (now?.eventId === old.eventId && now.value === old.value)
    return { reason: 'other-confidence', rejected: [] };
  const answer = found.find(({ eventId }) => eventId === old.eventId);
  const candidates = answer?.outcome.kind === 'found' ? answer.outcome.candidates : [];
  const { match, rejected } = matchCandidates(request, candidates, rules);
  if (match === null)
    return {
      reason: 'no-longer-matches',
      rejected: [...new Set(rejected.flatMap(({ reasons }) => reasons))],
    };
  if (now === null && match.candidate.values[field] !== undefined)
    return { reason: 'no-longer-trusted', rejected: [] };
  const isOther = match.candidate.values[field] !== old.value;
  return { reason: isOther ? 'other-candidate' : 'other-answer-preferred', rejected: [] };
}
