import { appendBytesMax, type JsonObject, LedgerRefusal, type NewEvent } from './ledger.ts';

/** An event as every adapter stores it: JSON text that no client gets to change. */
export interface EncodedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what is looked for
const unstorable = /\u0000|\\u0000|\p{Surrogate}|\\ud[89a-f]/iu;
const utf8 = new TextEncoder();

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
    bytes += utf8.encode(one.data).length + utf8.encode(one.metadata).length + 2 * type.length;
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
  let text: string | undefined;
  try {
    text = JSON.stringify(value, refuseWhatJsonLoses);
  } catch (cause) {
    const [why] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new LedgerRefusal(`${stream}: an event holds what JSON cannot: ${why}.`, { cause });
  }
  if (text === undefined) throw new LedgerRefusal(`${stream}: event data has to be an object.`);
  return unstorable.test(text) ? JSON.stringify(storable(value)) : text;
}

function refuseWhatJsonLoses(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`"${key}" is ${value}`);
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') {
    throw new TypeError(`"${key}" is ${typeof value}`);
  }
  return value;
}

function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\ufffd');
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [String(storable(key)), storable(one)]),
  );
}
