import type { RecordedEvent, StoredEvent } from '../../src/ledger/ledger.ts';

/** An event as a ledger hands it out unparsed, with its JSON as the codec writes it. */
export function storedOf(event: RecordedEvent): StoredEvent {
  return { ...event, data: JSON.stringify(event.data), metadata: JSON.stringify(event.metadata) };
}

export function parsedOf(event: StoredEvent): Omit<RecordedEvent, 'position'> {
  return { ...event, data: JSON.parse(event.data), metadata: JSON.parse(event.metadata) };
}
