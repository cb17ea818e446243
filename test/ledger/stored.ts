import {
  type ByteText,
  type Json,
  type Ledger,
  type RecordedEvent,
  type SentEvent,
  type StoredEvent,
  type StreamsPage,
  textOf,
} from '../../src/ledger/ledger.ts';
import { eventMessage } from '../support/eventstoredb/messages.ts';

/** An event as a ledger hands it out unparsed, with its JSON as the codec writes it. */
export function storedOf({ position: _, data, metadata, ...place }: RecordedEvent): StoredEvent {
  return { ...place, data: bytesOf(data), metadata: bytesOf(metadata) };
}

export function parsedOf(event: StoredEvent): Omit<RecordedEvent, 'position'> {
  return { ...event, data: JSON.parse(textOf(event.data)), metadata: JSON.parse(textOf(event.metadata)) };
}

/** Whole streams as a ledger hands them out: rows of a binary COPY. */
export function pageOf(events: readonly StoredEvent[]): StreamsPage {
  const rows = events.flatMap(({ stream, revision, id, type, data, metadata }) => [
    int16(6),
    ...[
      bytes(latin1Of(stream)),
      int32(revision),
      bytes(id),
      bytes(latin1Of(type)),
      bytes(data),
      bytes(metadata),
    ].flatMap((field) => [int32(field.length), field]),
  ]);
  return new Uint8Array(Buffer.concat(rows));
}

const bytes = (text: ByteText) => Buffer.from(text, 'latin1');

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function latin1Of(text: string): ByteText {
  return Buffer.from(text).toString('latin1');
}

function bytesOf(value: Json): ByteText {
  return Buffer.from(JSON.stringify(value)).toString('latin1');
}

/** A ledger that hands out no streams, but events in its global order as they were sent, as EventStoreDB does. */
export function inOrderOnly({ streams: _, ...ledger }: Ledger): Ledger {
  return {
    ...ledger,
    async *subscribeSent(options) {
      for await (const message of ledger.subscribe(options)) {
        if (message.kind === 'caught-up') yield message;
        else yield { ...message, events: message.events.map(sentOf) };
      }
    },
  };
}

function sentOf({ id, type, stream, revision, position, data, metadata }: RecordedEvent): SentEvent {
  const message = eventMessage({
    ...{ id, type, stream, contentType: 'application/json', createdMs: 0 },
    ...{ revision: BigInt(revision), position: 0n },
    ...{ data: Buffer.from(JSON.stringify(data)), metadata: Buffer.from(JSON.stringify(metadata)) },
  });
  return { bytes: message.serializeBinary(), position };
}
