import type { TrackEvent } from '../domain/events.ts';
import { type ByteText, type RecordedEvent, type StoredEvent, textOf } from './ledger.ts';
import { valuesByAnswer } from './skim-snapshot.ts';
import { skimMeta, skims } from './skim-text.ts';
import type { SkimmedEvent } from './skimmed-event.ts';
import { decodeTrackEvent } from './track-events.ts';

export type { SkimmedEvent } from './skimmed-event.ts';

/** An event that this version cannot read: to be parked, never an exception. */
export interface Unreadable {
  /** One sentence. */
  readonly reason: string;
}

/** Reads an event from its JSON as the codec writes it. What is no JSON is a text, as it is where it is handed out parsed. */
export function skimStored(stored: StoredEvent): SkimmedEvent | Unreadable {
  const { id, type, data, metadata } = stored;
  const meta = skimMeta(type, metadata);
  const skimmed = meta === null ? null : (skims.get(type)?.(data) ?? null);
  if (meta !== null && skimmed !== null) return { id, type, data: skimmed, meta } as SkimmedEvent;
  const whole = { data: parsed(data), metadata: meta ?? parsed(metadata) };
  return skimRecorded({ ...stored, ...(whole as Pick<RecordedEvent, 'data' | 'metadata'>), position: '' });
}

function parsed(bytes: ByteText): unknown {
  const text = textOf(bytes);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function skimRecorded(recorded: RecordedEvent): SkimmedEvent | Unreadable {
  const decoded = decodeTrackEvent(recorded);
  return 'event' in decoded ? skimEvent(decoded.event) : { reason: decoded.reason };
}

export function skimEvent(event: TrackEvent): SkimmedEvent {
  if (event.type !== 'Enriched') return event;
  return { ...event, data: { ...event.data, snapshot: valuesByAnswer(event.data.snapshot) } };
}

export function isReadable(event: SkimmedEvent | Unreadable): event is SkimmedEvent {
  return 'type' in event;
}
