import { type DecisionStep, type Decisions, decisionsOf } from '../domain/decisions.ts';
import type { Enriched } from '../domain/events.ts';
import { compareDecided, type Decided, decideAgain, type Redecision, statusOf } from '../domain/redecide.ts';
import type { Rules } from '../domain/rules.ts';
import { createStepReader, isStep } from '../ledger/decision-steps.ts';
import { type ByteText, type RecordedEvent, type StoredEvent, textOf } from '../ledger/ledger.ts';
import type { TrackStream } from './track-streams.ts';

/** What other rules make of a track. */
export type Verdict =
  | { readonly kind: 'same' }
  | {
      readonly kind: 'changes';
      readonly redecision: Redecision;
      /** The `Enriched` whose place it takes; null: the track has none. */
      readonly standing: Decisions['standing'];
    }
  /** An event of the stream cannot be read by this version, so nothing can be said; one sentence. */
  | { readonly kind: 'unreadable'; readonly reason: string };

export function judgeTrack({ events }: TrackStream, rules: Rules): Verdict {
  const reader = createStepReader();
  const steps: DecisionStep[] = [];
  for (const event of events) {
    const step = reader.read(event);
    if (step === null) continue;
    if (!isStep(step)) return { kind: 'unreadable', reason: step.reason };
    steps.push(step);
  }
  const decisions = decisionsOf(steps);
  const { standing } = decisions;
  const decided = decideAgain(decisions, rules);
  if (decided === null) return { kind: 'same' };
  const enriched = standing === null ? null : eventAt(events, standing.revision).data;
  if (typeof enriched === 'string' && isWrittenIn(enriched, decided)) return { kind: 'same' };
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

/** True: it is the very same. To write what was decided costs less than to parse what is written. */
function isWrittenIn(data: ByteText, { snapshot, sources }: Decided): boolean {
  const text = `{"status":"${statusOf(sources)}","snapshot":${JSON.stringify(snapshot)},"sources":${JSON.stringify(sources)},`;
  return data.startsWith(text) && textOf(text) === text;
}
