import {
  type ByteText,
  type Json,
  type RecordedEvent,
  type StoredEvent,
  textOf,
} from '../../src/ledger/ledger.ts';

/** An event as a ledger hands it out unparsed, with its JSON as the codec writes it. */
export function storedOf({ position: _, data, metadata, ...place }: RecordedEvent): StoredEvent {
  return { ...place, data: bytesOf(data), metadata: bytesOf(metadata) };
}

export function parsedOf(event: StoredEvent): Omit<RecordedEvent, 'position'> {
  return { ...event, data: JSON.parse(textOf(event.data)), metadata: JSON.parse(textOf(event.metadata)) };
}

function bytesOf(value: Json): ByteText {
  return Buffer.from(JSON.stringify(value)).toString('latin1');
}
