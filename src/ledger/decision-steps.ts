import type { Answer } from '../domain/answer.ts';
import { decisionStepOf } from '../domain/decision-step.ts';
import type { DecisionStep } from '../domain/decisions.ts';
import type { TaskReceived } from '../domain/events.ts';
import { type ByteText, type RecordedEvent, type StoredEvent, textOf } from './ledger.ts';
import type { Unreadable } from './skim.ts';
import { skimCall, skimHit, skimMeta, skimReceived } from './skim-text.ts';
import { decodeTrackEvent } from './track-events.ts';

/** So many different texts of one stream are remembered. */
const parsedMax = 64;

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
  // Few texts, most of them of other lengths: to compare them costs less than to hash a kilobyte.
  const parsed: { readonly text: ByteText; readonly value: unknown }[] = [];
  const parse = (text: ByteText): unknown => {
    for (const known of parsed) if (known.text === text) return known.value;
    const value: unknown = JSON.parse(textOf(text));
    if (parsed.length < parsedMax) parsed.push({ text, value });
    return value;
  };

  function skim(event: StoredEvent): DecisionStep | null | undefined {
    const { type, data, metadata, id: eventId, revision } = event;
    const meta = skimMeta(metadata);
    if (meta === null) return undefined;
    const { taskId } = meta;
    if (type === 'TaskReceived' && skimReceived(data) !== null) {
      const { request, origin } = parse(data) as TaskReceived['data'];
      return { kind: 'received', taskId, origin, request };
    }
    if (type === 'ApiCalled' || type === 'CacheHit') {
      const answer = foundText(type, data);
      if (answer === undefined || answer === null) return answer;
      const outcome = parse(answer.text) as Answer;
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
          position: '',
          data: JSON.parse(textOf(event.data)),
          metadata: JSON.parse(textOf(event.metadata)),
        });
      } catch (error) {
        return { reason: `${event.type} ${event.id} is no JSON: ${(error as Error).message}.` };
      }
    },
  };
}

/** The text of an answer that found something and counts; null: it did not, or does not; undefined: not ours. */
function foundText(type: 'ApiCalled' | 'CacheHit', data: ByteText) {
  const skimmed = type === 'ApiCalled' ? skimCall(data) : skimHit(data);
  if (skimmed === null) return undefined;
  const [begins, ends] =
    type === 'ApiCalled' ? [',"outcome":', ',"httpStatus":'] : [',"answer":', ',"calledAt":"'];
  // Only keys have quotes without a backslash before them, so these are no words of a lookup.
  const from = data.indexOf(begins);
  if (!data.startsWith('{"kind":"found"', from + begins.length)) return null;
  if (data.endsWith('"superseded":true}')) return null;
  return { provider: skimmed.provider, text: data.slice(from + begins.length, data.lastIndexOf(ends)) };
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
