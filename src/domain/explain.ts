import { type AnswerOrigin, originOf } from './answer-origin.ts';
import { type Considered, consider, type Loser, type RejectedCandidate } from './considered-answers.ts';
import { decisionStepOf } from './decision-step.ts';
import { decisionsOf } from './decisions.ts';
import { type EarlierValue, earlierValues } from './earlier-values.ts';
import type { Enriched, RecordedTrackEvent } from './events.ts';
import { replay } from './evolve.ts';
import type { MatchReason } from './matching.ts';
import { type Finding, newestRequest } from './merging.ts';
import { type ProviderStanding, providerStandings } from './provider-standing.ts';
import { defaultRules, type Rules, ruleVersion } from './rules.ts';
import type { TaskRequest } from './task.ts';
import type { TrackField } from './track-values.ts';
import type { AnyValueSource } from './value-changes.ts';

/** Why a field has the value that it has, or none. */
export interface Explanation {
  readonly field: TrackField;
  /** Null: the track has no value of it. */
  readonly winner: Winner | null;
  /** The decision that holds; null: the track was never enriched, or was erased since. */
  readonly decision: DecisionFact | null;
  /** Other answers that match and have a value of the field, in the order in which they would be taken. */
  readonly losers: readonly Loser[];
  /** Candidates with a value of the field that are not the track. */
  readonly rejected: readonly RejectedCandidate[];
  /** How each provider stands to the track and the field. */
  readonly providers: readonly ProviderStanding[];
  /** What the value was before, the newest first: each decision at which it changed. */
  readonly earlier: readonly EarlierValue[];
  /** What operators had done again. */
  readonly replays: readonly {
    readonly by: string;
    readonly why: string;
    readonly at: string;
    readonly n: number;
  }[];
  /** When the track was erased last; ISO 8601. */
  readonly erasedAt: string | null;
}

export interface Winner extends AnyValueSource {
  readonly origin: AnswerOrigin | null;
  /** By the present rules; empty where these would not take it. */
  readonly reasons: readonly MatchReason[];
  /** Whether the present rules come to the same value from the same answers. */
  readonly holds: boolean;
}

export interface DecisionFact {
  readonly eventId: string;
  readonly revision: number;
  readonly at: string;
  readonly taskId: string;
  readonly ruleVersion: string;
  readonly isPresentRules: boolean;
  /** The decision that was made again by it; null: a worker decided. */
  readonly redecides: string | null;
}

/** Explains one field from the whole stream of a track. */
export function explain(
  events: readonly RecordedTrackEvent[],
  field: TrackField,
  rules: Rules = defaultRules,
): Explanation {
  const erasure = events.findLastIndex(({ event }) => event.type === 'Erased');
  const kept = events.slice(erasure + 1);
  const decisions = kept.flatMap(({ event, revision }) =>
    event.type === 'Enriched' ? [{ event, revision }] : [],
  );
  const newest = decisions.at(-1) ?? null;
  const basis = basisOf(kept, newest);
  const value = newest?.event.data.snapshot[field] ?? null;
  const considered = consider(basis, field, rules);
  const first = considered.ranked[0] ?? null;
  return {
    field,
    winner: value === null ? null : winnerOf(value, kept, considered),
    decision: newest === null ? null : factOf(newest),
    losers: considered.losers.filter(({ eventId }) => eventId !== value?.eventId),
    rejected: considered.rejected,
    providers: providerStandings(kept, basis.request, field, rules, newest?.event.data.leftOut ?? []),
    earlier: earlierValues(decisions, field),
    replays: kept.flatMap(({ event }) =>
      event.type === 'Replayed'
        ? [{ by: event.data.by, why: event.data.why, n: event.data.n, at: event.meta.occurredAt }]
        : [],
    ),
    erasedAt: events[erasure]?.event.meta.occurredAt ?? null,
  };

  function winnerOf(
    source: AnyValueSource,
    recorded: readonly RecordedTrackEvent[],
    { ranked }: Considered,
  ): Winner {
    const taken = ranked.find(({ eventId }) => eventId === source.eventId);
    const holds = first?.eventId === source.eventId && first.value === source.value;
    return { ...source, origin: originOf(recorded, source.eventId), reasons: taken?.reasons ?? [], holds };
  }
}

interface Basis {
  readonly request: TaskRequest | null;
  readonly found: readonly Finding[];
}

/** What a decision was made from; of one that was made again, the first one; without any, all that there is so far. */
function basisOf(kept: readonly RecordedTrackEvent[], newest: { event: Enriched } | null): Basis {
  const id = newest?.event.data.redecides ?? newest?.event.id;
  const at = kept.findIndex(({ event }) => event.id === id);
  const steps = kept.slice(0, at + 1).flatMap((event) => decisionStepOf(event) ?? []);
  const { enriched, notFound } = decisionsOf(steps);
  const basis = [enriched, notFound].find((one) => one?.eventId === id);
  if (basis !== undefined && basis !== null) return basis;
  const state = replay(kept);
  return { request: newestRequest(state), found: state.found };
}

function factOf({ event, revision }: { readonly event: Enriched; readonly revision: number }): DecisionFact {
  const { data, meta } = event;
  return {
    eventId: event.id,
    revision,
    at: meta.occurredAt,
    taskId: meta.taskId,
    ruleVersion: data.ruleVersion,
    isPresentRules: data.ruleVersion === ruleVersion,
    redecides: data.redecides ?? null,
  };
}
