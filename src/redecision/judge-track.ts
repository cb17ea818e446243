import { type DecisionStep, type Decisions, decisionsOf } from '../domain/decisions.ts';
import type { Enriched } from '../domain/events.ts';
import { compareDecided, decideAgain, type Redecision } from '../domain/redecide.ts';
import type { Rules } from '../domain/rules.ts';
import { isStep, type ParsedTexts, readStep } from '../ledger/decision-steps.ts';
import { type RecordedEvent, type StoredEvent, textOf } from '../ledger/ledger.ts';

/** The whole stream of a track; empty where there is none. */
export interface TrackStream {
  readonly trackId: string;
  readonly events: readonly (StoredEvent | RecordedEvent)[];
}

/** What other rules make of a track. It can go from thread to thread. */
export type TrackVerdict = Verdict & { readonly trackId: string };

type Verdict =
  | { readonly kind: 'same' }
  | {
      readonly kind: 'changes';
      readonly redecision: Redecision;
      /** The `Enriched` whose place it takes; null: the track has none. */
      readonly standing: Decisions['standing'];
    }
  /** An event of the stream cannot be read by this version, so nothing can be said; one sentence. */
  | { readonly kind: 'unreadable'; readonly reason: string };

export function judgeTrack({ trackId, events }: TrackStream, rules: Rules): TrackVerdict {
  return { trackId, ...verdictOn(events, rules) };
}

function verdictOn(events: TrackStream['events'], rules: Rules): Verdict {
  const parsed: ParsedTexts = [];
  const steps: DecisionStep[] = [];
  for (const event of events) {
    const step = readStep(event, parsed);
    if (step === null) continue;
    if (!isStep(step)) return { kind: 'unreadable', reason: step.reason };
    steps.push(step);
  }
  const decisions = decisionsOf(steps);
  const { standing } = decisions;
  const decided = decideAgain(decisions, rules);
  if (decided === null) return { kind: 'same' };
  const enriched = standing === null ? null : eventAt(events, standing.revision).data;
  const redecision = compareDecided(decided, enriched === null ? null : dataOf(enriched), rules);
  return redecision === null ? { kind: 'same' } : { kind: 'changes', redecision, standing };
}

export function eventAt<Event extends StoredEvent | RecordedEvent>(
  events: readonly Event[],
  revision: number,
): Event {
  // The first one of a stream that was cut is not its revision 0.
  const event = events[revision - (events[0]?.revision ?? 0)];
  if (event?.revision !== revision) throw new Error(`A stream lacks its revision ${revision}.`);
  return event;
}

function dataOf(data: StoredEvent['data'] | RecordedEvent['data']): Enriched['data'] {
  return (typeof data === 'string' ? JSON.parse(textOf(data)) : data) as Enriched['data'];
}
