import { appendBytesMax, type JsonObject, LedgerRefusal, type NewEvent } from './ledger.ts';

/** An event as every adapter stores it: JSON text that no client gets to change. */
export interface EncodedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  /** What JSON writes as `data`, for a client that encodes by itself. */
  readonly json: JsonObject;
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
    const { text, json } = encodeJson(stream, data);
    const one = { id, type, data: text, json, metadata: encodeJson(stream, metadata).text };
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
function encodeJson(stream: string, value: JsonObject): { readonly text: string; readonly json: JsonObject } {
  try {
    const text: string | undefined = JSON.stringify(value);
    refuseWhatJsonLoses('', value);
    if (text === undefined) throw new TypeError('it is no object');
    if (!text.includes('\\u') || !unstorable.test(text)) return { text, json: value };
    const json = storable(value) as JsonObject;
    return { text: JSON.stringify(json), json };
  } catch (cause) {
    const [why] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new LedgerRefusal(`${stream}: an event holds what JSON cannot: ${why}.`, { cause });
  }
}

/** Walks by itself: JSON.stringify is several times slower with a function to ask for every value. */
function refuseWhatJsonLoses(key: string | number, value: unknown): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return;
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`"${key}" is ${value}`);
      return;
    case 'undefined':
    case 'function':
    case 'symbol':
      throw new TypeError(`"${key}" is ${typeof value}`);
    default:
      refuseWithin(value);
  }
}

function refuseWithin(value: unknown): void {
  if (Array.isArray(value)) for (let n = 0; n < value.length; n++) refuseWhatJsonLoses(n, value[n]);
  else if (typeof value === 'object' && value !== null) {
    const fields = value as Readonly<Record<string, unknown>>;
    for (const name of Object.keys(fields)) refuseWhatJsonLoses(name, fields[name]);
  }
}

function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\ufffd');
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [String(storable(key)), storable(one)]),
  );
}
