import type { RecordedEvent as Recorded } from '@eventstore/db-client';
import { encodePosition } from './eventstoredb-position.ts';
import type { StoredEventAt } from './ledger.ts';

/** As much of a message of the server as is looked at. Others have no event. */
interface ReadMessage {
  getEvent?(): { getEvent(): Kept | undefined } | undefined;
}

interface Kept {
  getData_asU8(): Uint8Array;
  setData(value: Uint8Array): void;
  getCustomMetadata_asU8(): Uint8Array;
  setCustomMetadata(value: Uint8Array): void;
  getMetadataMap(): { set(key: string, value: string): unknown };
}

const lengthBytes = 4;
const none = new Uint8Array();

/**
 * Keeps the client from parsing an event: its data is said to be no JSON, and its metadata stands before it. Parsing is a
 * quarter of what the client does with an event, and a rebuild looks at little of it.
 */
export function unparsed(message: unknown): unknown {
  const record = (message as ReadMessage).getEvent?.()?.getEvent();
  if (record === undefined) return message;
  const [metadata, data] = [record.getCustomMetadata_asU8(), record.getData_asU8()];
  const both = Buffer.allocUnsafe(lengthBytes + metadata.length + data.length);
  both.writeUInt32LE(metadata.length);
  both.set(metadata, lengthBytes);
  both.set(data, lengthBytes + metadata.length);
  record.setData(both);
  record.setCustomMetadata(none);
  record.getMetadataMap().set('content-type', 'application/octet-stream');
  return message;
}

/** An event that came so. */
export function storedEvent({ id, type, streamId, revision, data, position }: Recorded): StoredEventAt {
  const { buffer, byteOffset, length } = data as Uint8Array;
  const both = Buffer.from(buffer, byteOffset, length);
  const from = lengthBytes + both.readUInt32LE();
  return {
    id,
    type,
    stream: streamId,
    revision: Number(revision),
    position: position === undefined ? '' : encodePosition(position),
    data: both.toString('latin1', from),
    metadata: both.toString('latin1', lengthBytes, from),
  };
}
