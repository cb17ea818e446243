import { decisionStepOf } from '../../src/domain/decision-step.ts';
import { decisionsOf } from '../../src/domain/decisions.ts';
import type { Enriched, Failed, RecordedTrackEvent } from '../../src/domain/events.ts';
import { compareDecided, decideAgain, type Redecision, redecisionEvent } from '../../src/domain/redecide.ts';
import type { Rules } from '../../src/domain/rules.ts';

let made = 0;

export const stepsOf = (events: readonly RecordedTrackEvent[]) =>
  events.flatMap((event) => decisionStepOf(event) ?? []);

/** What other rules make of a stream. */
export function redecisionOf(events: readonly RecordedTrackEvent[], rules: Rules): Redecision | null {
  const decided = decideAgain(decisionsOf(stepsOf(events)), rules);
  return decided === null ? null : compareDecided(decided, newestEnriched(events)?.data ?? null, rules);
}

/** The stream with what is recorded of it. */
export function redecided(
  events: readonly RecordedTrackEvent[],
  rules: Rules,
): readonly RecordedTrackEvent[] {
  const redecision = redecisionOf(events, rules);
  const last = events.at(-1);
  if (redecision === null || last === undefined) return events;
  const event = redecisionEvent(redecision, {
    eventId: `redecided-${made++}`,
    at: '2026-02-01T00:00:00.000Z',
    lastOccurredAt: last.event.meta.occurredAt,
    decided: events.find(({ revision }) => revision === redecision.basis.revision)?.event as
      | Enriched
      | Failed,
    replaced: newestEnriched(events)?.id ?? redecision.basis.eventId,
  });
  return [...events, { event, revision: last.revision + 1 }];
}

/** Since the track was erased last. */
export function newestEnriched(events: readonly RecordedTrackEvent[]): Enriched | null {
  const kept = events.slice(events.findLastIndex(({ event }) => event.type === 'Erased') + 1);
  const newest = kept.findLast(({ event }) => event.type === 'Enriched')?.event;
  return newest?.type === 'Enriched' ? newest : null;
}
