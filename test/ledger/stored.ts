import {
  type ByteText,
  type Json,
  type RecordedEvent,
  type StoredEvent,
  type StreamsPage,
  textOf,
} from '../../src/ledger/ledger.ts';

/** An event as a ledger hands it out unparsed, with its JSON as the codec writes it. */
export function storedOf({ position: _, data, metadata, ...place }: RecordedEvent): StoredEvent {
  return { ...place, data: bytesOf(data), metadata: bytesOf(metadata) };
}

export function parsedOf(event: StoredEvent): Omit<RecordedEvent, 'position'> {
  return { ...event, data: JSON.parse(textOf(event.data)), metadata: JSON.parse(textOf(event.metadata)) };
}

/** Whole streams as a ledger hands them out: rows of a COPY. */
export function pageOf(events: readonly StoredEvent[]): StreamsPage {
  const lines = events.map(({ stream, revision, id, type, data, metadata }) =>
    [latin1Of(stream), String(revision), id, latin1Of(type), data, metadata].map(escaped).join('\t'),
  );
  return new Uint8Array(Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'));
}

const escapes: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\\': '\\\\' };

function escaped(text: ByteText): string {
  return text.replace(/[\t\n\r\\]/g, (one) => escapes[one] ?? one);
}

function latin1Of(text: string): ByteText {
  return Buffer.from(text).toString('latin1');
}

function bytesOf(value: Json): ByteText {
  return Buffer.from(JSON.stringify(value)).toString('latin1');
}
