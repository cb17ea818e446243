import type { Outcome } from './answer.ts';
import type { LeftOut, RecordedTrackEvent } from './events.ts';
import { matchCandidates } from './matching.ts';
import { type Provider, providers } from './provider.ts';
import type { Rules } from './rules.ts';
import type { TaskRequest } from './task.ts';
import type { TrackField } from './track-values.ts';

/** How a provider stands to a field of a track, by its newest answers. */
export interface ProviderStanding {
  readonly provider: Provider;
  readonly kind:
    | 'gave-it'
    /** It knows the track, and says nothing of this field. */
    | 'without-it'
    /** It answered, and nothing of it is the track. */
    | 'no-match'
    /** It does not know the track. */
    | 'missing'
    /** It was asked and gave no answer. */
    | 'no-answer'
    /** It could not be asked in time, or failed, and is asked later. */
    | 'left-out'
    | 'never-asked';
  /** Until when it was left out, ISO 8601. */
  readonly until: string | null;
}

export function providerStandings(
  events: readonly RecordedTrackEvent[],
  request: TaskRequest | null,
  field: TrackField,
  rules: Rules,
  leftOut: readonly LeftOut[],
): readonly ProviderStanding[] {
  return providers.map((provider): ProviderStanding => {
    const outcomes = events.flatMap(({ event }) => {
      if (event.type === 'ApiCalled' && !event.data.superseded && event.data.provider === provider)
        return [event.data.outcome];
      return event.type === 'CacheHit' && event.data.provider === provider ? [event.data.answer] : [];
    });
    const kinds = new Set(outcomes.map((outcome) => kindOf(outcome, request, field, rules)));
    const waits = leftOut.find((one) => one.provider === provider);
    const best = (['gave-it', 'without-it', 'no-match', 'missing'] as const).find((kind) => kinds.has(kind));
    if (best !== undefined) return { provider, kind: best, until: null };
    if (waits !== undefined) return { provider, kind: 'left-out', until: waits.until };
    return { provider, kind: kinds.size > 0 ? 'no-answer' : 'never-asked', until: null };
  });
}

function kindOf(
  outcome: Outcome,
  request: TaskRequest | null,
  field: TrackField,
  rules: Rules,
): ProviderStanding['kind'] {
  if (outcome.kind === 'missing') return 'missing';
  if (outcome.kind !== 'found') return 'no-answer';
  const match = request === null ? null : matchCandidates(request, outcome.candidates, rules).match;
  if (match === null) return 'no-match';
  return match.candidate.values[field] === undefined ? 'without-it' : 'gave-it';
}
