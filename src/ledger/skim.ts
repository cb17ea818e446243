import { type JsonObject, type RecordedEvent, type StoredEvent, textOf } from './ledger.ts';
import { skimCall, skimHit, skimMeta, skimReceived } from './skim-text.ts';
import type { SkimmedEvent } from './skimmed-event.ts';
import { decodeTrackEvent } from './track-events.ts';

export type { SkimmedEvent } from './skimmed-event.ts';

/** An event that this version cannot read: to be parked, never an exception. */
export interface Unreadable {
  /** One sentence. */
  readonly reason: string;
}

/** Reads an event from its JSON as the codec writes it. */
export function skimStored({ id, type, data, metadata, ...place }: StoredEvent): SkimmedEvent | Unreadable {
  try {
    const meta = skimMeta(type, metadata);
    const skimmed = meta === null ? null : skimData(type, data);
    if (meta !== null && skimmed !== null) return { id, type, data: skimmed, meta } as SkimmedEvent;
    const whole = { data: JSON.parse(textOf(data)), metadata: meta ?? JSON.parse(textOf(metadata)) };
    return skimRecorded({ ...place, ...whole, id, type, position: '' });
  } catch (error) {
    return { reason: `${type} ${id} is no JSON: ${(error as Error).message}.` };
  }
}

function skimData(type: string, data: string): SkimmedEvent['data'] | null {
  switch (type) {
    case 'ApiCalled':
      return skimCall(data);
    case 'CacheHit':
      return skimHit(data);
    case 'TaskReceived':
      return skimReceived(data);
    default:
      return null;
  }
}

export function skimRecorded(recorded: RecordedEvent): SkimmedEvent | Unreadable {
  const decoded = decodeTrackEvent(recorded);
  return 'event' in decoded ? decoded.event : { reason: decoded.reason };
}

/** The same event without what a provider answered: for whoever keeps many. */
export function withoutAnswer(recorded: RecordedEvent): RecordedEvent {
  const { data } = recorded;
  const field = recorded.type === 'ApiCalled' ? 'outcome' : 'answer';
  const answer = typeof data === 'object' && data !== null ? data[field] : null;
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return recorded;
  return { ...recorded, data: { ...data, [field]: { kind: (answer as JsonObject).kind ?? null } } };
}

export function isReadable(event: SkimmedEvent | Unreadable): event is SkimmedEvent {
  return 'type' in event;
}
