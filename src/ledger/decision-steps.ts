import type { Answer } from '../domain/answer.ts';
import { decisionStepOf } from '../domain/decision-step.ts';
import type { DecisionStep } from '../domain/decisions.ts';
import { type ByteText, type JsonObject, type RecordedEvent, type StoredEvent, textOf } from './ledger.ts';
import type { Unreadable } from './skim.ts';
import { skimCall, skimHit, skimMeta } from './skim-text.ts';
import { decodeTrackEvent } from './track-events.ts';

/** How an `Enriched` of a worker ends; of one that was decided again a field follows. */
const workersEnd = /,"ruleVersion":"[\w.+-]+"\}$/;
const endChars = 120;

/** So many different texts of one stream are remembered. */
const parsedMax = 64;

/** What has been parsed of one stream. Few texts, most of other lengths: to compare them costs less than to hash them. */
export type ParsedTexts = { readonly text: ByteText; readonly value: unknown }[];

/**
 * Reads an event of a stream as decisions look at it; null: they do not. What is written as we write it is parsed only
 * where it matters, and an answer that was recorded again, as the cache has it be, is parsed once: it comes as the same
 * object, so it is matched once as well.
 *
 * @param parsed empty for a stream, and the same for all its events
 */
export function readStep(
  event: StoredEvent | RecordedEvent,
  parsed: ParsedTexts,
): DecisionStep | Unreadable | null {
  if (!isStored(event)) return decoded(event);
  try {
    const skimmed = skim(event, parsed);
    if (skimmed !== undefined) return skimmed;
    const data = JSON.parse(textOf(event.data)) as JsonObject;
    const metadata = JSON.parse(textOf(event.metadata)) as JsonObject;
    return decoded({ ...event, position: '', data, metadata });
  } catch (error) {
    return { reason: `${event.type} ${event.id} is no JSON: ${(error as Error).message}.` };
  }
}

/** Undefined: it has to be parsed whole. */
function skim(event: StoredEvent, parsed: ParsedTexts): DecisionStep | Unreadable | null | undefined {
  const { type, data, metadata, id: eventId, revision } = event;
  const meta = skimMeta(type, metadata);
  if (meta === null) return undefined;
  const { taskId } = meta;
  if (type === 'TaskReceived')
    return decoded({
      ...event,
      position: '',
      data: parse(data, parsed) as JsonObject,
      metadata: { ...meta },
    });
  if (type === 'ApiCalled' || type === 'CacheHit') {
    const answer = foundText(type, data);
    if (answer === undefined || answer === null) return answer;
    const outcome = parse(answer.text, parsed) as Answer;
    return { kind: 'found', finding: { taskId, provider: answer.provider, outcome, eventId, revision } };
  }
  if (type === 'Enriched' && data.startsWith('{"status":"') && workersEnd.test(data.slice(-endChars)))
    return { kind: 'enriched', eventId, revision, taskId, redecides: null };
  if (type === 'Failed' && data.startsWith('{"reason":"') && !data.startsWith('{"reason":"not_found"'))
    return null;
  return undefined;
}

function parse(text: ByteText, parsed: ParsedTexts): unknown {
  for (const known of parsed) if (known.text === text) return known.value;
  const value: unknown = JSON.parse(textOf(text));
  if (parsed.length < parsedMax) parsed.push({ text, value });
  return value;
}

const around = {
  ApiCalled: { begins: ',"outcome":', ends: ',"httpStatus":' },
  CacheHit: { begins: ',"answer":', ends: ',"calledAt":"' },
} as const;

/** The text of an answer that found something and counts; null: it did not, or does not; undefined: not ours. */
function foundText(type: 'ApiCalled' | 'CacheHit', data: ByteText) {
  const skimmed = type === 'ApiCalled' ? skimCall(data) : skimHit(data);
  if (skimmed === null) return undefined;
  const { begins, ends } = around[type];
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
