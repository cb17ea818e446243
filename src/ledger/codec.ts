import { appendBytesMax, type JsonObject, LedgerRefusal, type NewEvent } from './ledger.ts';

/** An event as every adapter stores it: JSON text that no client gets to change. */
export interface EncodedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** How JSON writes NUL and lone surrogates; the same letters behind a backslash of the text's own match as well. */
const unstorable = /\\u(?:0000|d[89a-f])/;

/**
 * Encodes the events of one append, and refuses what can never be appended before any client sees it.
 *
 * @throws LedgerRefusal that names the stream and what to change
 */
export function encodeAppend(stream: string, events: readonly NewEvent[]): readonly EncodedEvent[] {
  if (stream === '') throw new LedgerRefusal('A stream needs a name: this one is empty.');
  if (stream.includes('\0'))
    throw new LedgerRefusal(`The stream name ${JSON.stringify(stream)} holds a NUL.`);
  let bytes = 0;
  const encoded = events.map(({ id, type, data, metadata }) => {
    if (type === '')
      throw new LedgerRefusal(`${stream}: an event needs a type; that of event ${id} is empty.`);
    if (!uuid.test(id)) throw new LedgerRefusal(`${stream}: the event id "${id}" is not a UUID.`);
    const one = { id, type, data: encodeJson(stream, data), metadata: encodeJson(stream, metadata) };
    bytes += Buffer.byteLength(one.data) + Buffer.byteLength(one.metadata) + 2 * type.length;
    return one;
  });
  if (bytes > appendBytesMax) {
    throw new LedgerRefusal(
      `${stream}: an append of ${bytes} bytes is over the limit of ${appendBytesMax}: split it.`,
    );
  }
  return encoded;
}

/** JSON text of the value. NUL and lone surrogates, which PostgreSQL refuses, become U+FFFD, in keys as well. */
function encodeJson(stream: string, value: JsonObject): string {
  try {
    const text: string | undefined = JSON.stringify(value);
    refuseWhatJsonLoses('', value);
    if (text === undefined) throw new TypeError('it is no object');
    return unstorable.test(text) ? JSON.stringify(storable(value)) : text;
  } catch (cause) {
    const [why] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new LedgerRefusal(`${stream}: an event holds what JSON cannot: ${why}.`, { cause });
  }
}

/** Walks by itself: JSON.stringify is several times slower with a function to ask for every value. */
function refuseWhatJsonLoses(key: string, value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`"${key}" is ${value}`);
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') {
    throw new TypeError(`"${key}" is ${typeof value}`);
  }
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) for (let n = 0; n < value.length; n++) refuseWhatJsonLoses(String(n), value[n]);
  else for (const [name, one] of Object.entries(value)) refuseWhatJsonLoses(name, one);
}

function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\ufffd');
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [String(storable(key)), storable(one)]),
  );
}
