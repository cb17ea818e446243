import streams, { type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import protobuf, { type BinaryReader } from 'google-protobuf';
import { encodePosition } from './eventstoredb-position.ts';
import type { JsonObject, Position, RecordedEvent, SentEvent } from './ledger.ts';

/** An event as the server sends it. */
export interface ServerEvent {
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  readonly isJson: boolean;
  readonly data: Buffer;
  /** Empty where it has none. */
  readonly metadata: Buffer;
}

/** Of the server's `ReadResp`, an event; whatever else it says, as the client has it. */
export type ReadMessage = SentEvent | ReadResp;

/** `ReadResp.event`, which comes first in every message that has one. */
const eventTag = 0x0a;

/**
 * Reads a message of a subscription. What the client makes of an event takes three times as long as all else that it does
 * with it, and most of that is not looked at.
 */
export function readMessage(bytes: Uint8Array): ReadMessage {
  if (bytes[0] !== eventTag) return streams.ReadResp.deserializeBinary(bytes);
  return {
    bytes,
    get position() {
      return readEvent(bytes).position;
    },
  };
}

const none: Buffer = Buffer.alloc(0);

/** The event of a message that has one. */
export function readEvent(bytes: Uint8Array): ServerEvent {
  const reader = new protobuf.BinaryReader(bytes);
  let event: ServerEvent | null = null;
  // ReadResp.event.event
  eachField(reader, (message) => {
    if (message !== 1) return reader.skipField();
    within(reader, (field) => {
      if (field !== 1) return reader.skipField();
      event = recordIn(reader);
    });
  });
  if (event === null) throw new Error('The server sent an event that is none.');
  return event;
}

/** `ReadResp.ReadEvent.RecordedEvent` */
function recordIn(reader: BinaryReader): ServerEvent {
  let [id, type, stream, commit, prepare] = ['', '', '', '0', '0'];
  let revision = 0;
  let isJson = false;
  let [data, metadata] = [none, none];
  within(reader, (field) => {
    switch (field) {
      case 1:
        return within(reader, (part) => {
          if (part === 2) id = reader.readString();
          else reader.skipField();
        });
      case 2:
        return within(reader, (part) => {
          if (part === 3) stream = bufferOf(reader.readBytes()).toString();
          else reader.skipField();
        });
      case 3:
        revision = reader.readUint64();
        return;
      case 4:
        prepare = reader.readUint64String();
        return;
      case 5:
        commit = reader.readUint64String();
        return;
      case 6: {
        let [key, value] = ['', ''];
        within(reader, (part) => {
          if (part === 1) key = reader.readString();
          else value = reader.readString();
        });
        if (key === 'type') type = value;
        else if (key === 'content-type') isJson = value === 'application/json';
        return;
      }
      case 7:
        metadata = bufferOf(reader.readBytes());
        return;
      case 8:
        data = bufferOf(reader.readBytes());
        return;
      default:
        reader.skipField();
    }
  });
  return {
    id,
    type,
    stream,
    revision,
    position: encodePosition({ commit, prepare }),
    isJson,
    data,
    metadata,
  };
}

function within(reader: BinaryReader, take: (field: number) => unknown): void {
  reader.readMessage(reader, () => eachField(reader, take));
}

function eachField(reader: BinaryReader, take: (field: number) => unknown): void {
  while (reader.nextField() && !reader.isEndGroup()) take(reader.getFieldNumber());
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** A foreign event may have no metadata, or data that is no object: readers look. */
export function parseSent({ bytes }: SentEvent): RecordedEvent {
  const { isJson, data, metadata, ...event } = readEvent(bytes);
  return {
    ...event,
    data: (isJson ? parsed(data, () => data.toString()) : new Uint8Array(data)) as JsonObject,
    metadata: (metadata.length === 0
      ? {}
      : (parsed(metadata, () => new Uint8Array(metadata)) ?? {})) as JsonObject,
  };
}

function parsed(json: Buffer, otherwise: () => unknown): unknown {
  try {
    return JSON.parse(json.toString());
  } catch {
    return otherwise();
  }
}
