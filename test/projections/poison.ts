import fc from 'fast-check';
import type { JsonObject, RecordedEvent } from '../../src/ledger/ledger.ts';

const source = { provider: 'spotify', eventId: 'e', revision: 0, confidence: 1 };

/** Ways in which an event can be one that no read model, or not every one, can take; what does not fit changes nothing. */
export const poisons = {
  'unknown type': (event) => ({ ...event, type: 'Unheard' }),
  'newer version': (event) => ({ ...event, metadata: { ...event.metadata, schemaVersion: 99 } }),
  'no data': (event) => ({ ...event, data: {} }),
  'left out is no list': (event) => withData(event, 'leftOut', { length: 3 }),
  'left out of nothing': (event) => withData(event, 'leftOut', [{}]),
  'sources are numbers': (event) => withData(event, 'sources', [7]),
  'no status': (event) => withData(event, 'status', 'done'),
  'attempt too great': (event) => withData(event, 'attempt', 3_000_000_000),
  'attempt in parts': (event) => withData(event, 'attempt', 1.5),
  'retry whenever': (event) => withData(event, 'retryAt', 'now'),
  'until never': (event) => withData(event, 'until', 'infinity'),
  'outcome of no kind': (event) => withData(event, 'outcome', { kind: 'weird' }),
  'call that never ends': (event) => withData(event, 'durationMs', 1e300),
  'NUL in the message': (event) => withData(event, 'message', 'a\0b'),
  'half a character in the reason': (event) => withData(event, 'reason', 'a\ud800'),
  'no artist': (event) => withData(event, 'request', { title: 'no artist' }),
  'value that breaks a constraint': (event) => withValue(event, 'tempoConfidence', 5),
  'value that is too great': (event) => withValue(event, 'durationMs', 10 ** 12),
  'value that is too long': (event) => withValue(event, 'camelotKey', '12AB'),
  'value of another type': (event) => withValue(event, 'genre', { a: 1 }),
  'value of no answer': (event) => withSource(event, 'genre', null),
  'value of an unnamed answer': (event) => withSource(event, 'genre', { value: 'rock' }),
  'value of an answer that is far away': (event) =>
    withSource(event, 'genre', { ...source, value: 'rock', revision: 2 ** 40 }),
  'value that is surely right': (event) =>
    withSource(event, 'genre', { ...source, value: 'rock', confidence: 'yes' }),
  'finer time': (event) => withMeta(event, 'occurredAt', '2026-01-01T00:00:00.123456Z'),
  'no time': (event) => withMeta(event, 'occurredAt', 'yesterday'),
  'endless task id': (event) => withMeta(event, 'taskId', 'x'.repeat(5000)),
} satisfies Readonly<Record<string, (event: RecordedEvent) => RecordedEvent>>;

export type PoisonName = keyof typeof poisons;

export const anyPoison: fc.Arbitrary<PoisonName> = fc.constantFrom(...(Object.keys(poisons) as PoisonName[]));

/** The events with the poison in one of those that it fits; null where there is none. */
export function poisoned(
  events: readonly RecordedEvent[],
  name: PoisonName,
  any: number,
): { readonly events: readonly RecordedEvent[]; readonly at: number } | null {
  const fitting = events.flatMap((event, at) => (poisons[name](event) === event ? [] : at));
  const at = fitting[any % Math.max(1, fitting.length)];
  return at === undefined
    ? null
    : { events: events.map((event, n) => (n === at ? poisons[name](event) : event)), at };
}

function withData(event: RecordedEvent, field: string, value: unknown): RecordedEvent {
  if (!(field in event.data)) return event;
  return { ...event, data: { ...event.data, [field]: value } as JsonObject };
}

function withMeta(event: RecordedEvent, field: string, value: string): RecordedEvent {
  return { ...event, metadata: { ...event.metadata, [field]: value } };
}

function withValue(event: RecordedEvent, field: string, value: unknown): RecordedEvent {
  return withSource(event, field, { value, ...source });
}

function withSource(event: RecordedEvent, field: string, from: unknown): RecordedEvent {
  if (event.type !== 'Enriched') return event;
  const snapshot = { ...(event.data.snapshot as JsonObject), [field]: from };
  return { ...event, data: { ...event.data, snapshot } as JsonObject };
}
