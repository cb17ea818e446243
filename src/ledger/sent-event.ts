import { isUtf8 } from 'node:buffer';
import { readEvent } from './eventstoredb-message.ts';
import type { ByteText, StoredEvent } from './ledger.ts';
import { passedOver, withoutAnswer } from './skim-text.ts';

/** An event as it is kept for `skimStored`: UTF-8, JSON where it is not parsed, and without what a provider answered. */
export interface KeptEvent extends Pick<StoredEvent, 'stream' | 'revision' | 'id' | 'type'> {
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

const noMetadata = Buffer.from('{}');

/**
 * Reads an event as EventStoreDB sent it, which does not look at JSON. Who looks at its beginning and end only would take
 * what is none for an event that is parked when it comes by: so it is kept as what it is handed out as when it is parsed.
 */
export function readSent(bytes: Uint8Array): KeptEvent {
  const { isJson, data, metadata, position: _, ...event } = readEvent(bytes);
  const about = jsonIn(metadata);
  return {
    ...event,
    data: isJson ? kept(event.type, data) : asJson(new Uint8Array(data)),
    metadata: about === null || about.value === null ? noMetadata : about.bytes,
  };
}

function kept(type: string, data: Buffer): Buffer {
  // The others are looked at as a whole by whoever reads them.
  if (!passedOver.has(type)) return storable(data);
  const found = jsonIn(data);
  return found === null ? asJson(data.toString()) : shortened(type, found);
}

/** No text of PostgreSQL holds a NUL, nor does JSON; the other letter makes it none as well. */
function storable(given: Buffer): Buffer {
  if (isUtf8(given) && !given.includes(0)) return given;
  return Buffer.from(given.toString().replaceAll('\0', '\u0001'));
}

interface Found {
  readonly value: unknown;
  readonly bytes: Buffer;
  readonly text: ByteText;
}

/** What the bytes hold, where it is JSON. */
function jsonIn(given: Buffer): Found | null {
  const bytes = isUtf8(given) ? given : Buffer.from(given.toString());
  const text = bytes.toString('latin1');
  try {
    return { value: JSON.parse(text), bytes, text };
  } catch {
    return null;
  }
}

function asJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function shortened(type: string, { text, bytes }: Found): Buffer {
  const short = withoutAnswer(type, text);
  return short === text ? bytes : Buffer.from(short, 'latin1');
}
