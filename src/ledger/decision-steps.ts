import type { Answer } from '../domain/answer.ts';
import { decisionStepOf } from '../domain/decision-step.ts';
import type { DecisionStep } from '../domain/decisions.ts';
import { isProvider } from '../domain/provider.ts';
import type { RecordedEvent, StoredEvent } from './ledger.ts';
import { answers, skimMeta, type Unreadable } from './skim.ts';
import { decodeTrackEvent } from './track-events.ts';

/** Reads the events of one stream as decisions look at them. */
export interface StepReader {
  /** Null: decisions do not look at it. */
  read(event: StoredEvent | RecordedEvent): DecisionStep | Unreadable | null;
}

/**
 * A reader for one stream. What is written as we write it is parsed only where it matters, and an answer that was
 * recorded again, as the cache has it be, is parsed once: it comes as the same object, so it is matched once as well.
 */
export function createStepReader(): StepReader {
  const parsed = new Map<string, Answer>();

  function skim(event: StoredEvent): DecisionStep | null | undefined {
    const { type, data, metadata, id: eventId, revision } = event;
    if (type === 'TaskReceived' || type === 'Erased') return undefined;
    const meta = skimMeta(metadata);
    if (meta === null) return undefined;
    const { taskId } = meta;
    if (type === 'ApiCalled' || type === 'CacheHit') {
      const answer = foundText(type, data);
      if (answer === undefined || answer === null) return answer;
      const outcome = parsed.get(answer.text) ?? (JSON.parse(answer.text) as Answer);
      parsed.set(answer.text, outcome);
      return { kind: 'found', finding: { taskId, provider: answer.provider, outcome, eventId, revision } };
    }
    if (type === 'Enriched' && data.startsWith('{"status":"') && !data.includes('"redecides":'))
      return { kind: 'enriched', eventId, revision, taskId, redecides: null };
    if (type === 'Failed' && data.startsWith('{"reason":"') && !data.startsWith('{"reason":"not_found"'))
      return null;
    return undefined;
  }

  return {
    read(event) {
      if (!isStored(event)) return decoded(event);
      try {
        const skimmed = skim(event);
        if (skimmed !== undefined) return skimmed;
        return decoded({
          ...event,
          data: JSON.parse(event.data),
          metadata: JSON.parse(event.metadata),
        });
      } catch (error) {
        return { reason: `${event.type} ${event.id} is no JSON: ${(error as Error).message}.` };
      }
    },
  };
}

/** The text of an answer that found something and counts; null: it did not, or does not; undefined: not ours. */
function foundText(type: 'ApiCalled' | 'CacheHit', data: string) {
  const { start, end, endsWith } = answers[type];
  const [head, provider = '', kind] = start.exec(data) ?? [];
  if (head === undefined || !isProvider(provider)) return undefined;
  if (kind !== 'found') return null;
  const ending = data.lastIndexOf(endsWith);
  end.lastIndex = ending;
  if (ending < 0 || !end.test(data)) return undefined;
  if (data.endsWith('"superseded":true}')) return null;
  return { provider, text: data.slice(head.length - '{"kind":"found"'.length, ending) };
}

function decoded(event: RecordedEvent): DecisionStep | Unreadable | null {
  const known = decodeTrackEvent(event);
  return 'event' in known ? decisionStepOf(known) : known;
}

export function isStored(event: StoredEvent | RecordedEvent): event is StoredEvent {
  return typeof event.data === 'string';
}

export function isStep(step: DecisionStep | Unreadable): step is DecisionStep {
  return 'kind' in step;
}
