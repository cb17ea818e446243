import shared, { type StreamIdentifier } from '@eventstore/db-client/generated/shared_pb.js';
import streams, { type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { Entry, Expected, Proposed } from './database.ts';

/** Between the client's messages and what the stand-in keeps. */

export function nameOf(identifier: StreamIdentifier | undefined): string {
  return Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');
}

export function identifierOf(stream: string): StreamIdentifier {
  return new shared.StreamIdentifier().setStreamName(Buffer.from(stream, 'utf8').toString('base64'));
}

interface ExpectingOptions {
  hasNoStream(): boolean;
  hasAny(): boolean;
  hasStreamExists(): boolean;
}

export function expectedOf(options: ExpectingOptions, revision: string): Expected {
  if (options.hasNoStream()) return 'no-stream';
  if (options.hasAny()) return 'any';
  return options.hasStreamExists() ? 'stream-exists' : BigInt(revision);
}

interface ProposedMessage {
  getId(): { getString(): string } | undefined;
  getMetadataMap(): { get(key: string): unknown };
  getCustomMetadata_asU8(): Uint8Array;
  getData_asU8(): Uint8Array;
}

export function proposedOf(message: ProposedMessage): Proposed {
  return {
    id: message.getId()?.getString() ?? '',
    type: String(message.getMetadataMap().get('type') ?? ''),
    contentType: String(message.getMetadataMap().get('content-type') ?? ''),
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

const ticksPerMs = 10_000n;

export function eventMessage(entry: Entry): ReadResp {
  const position = String(entry.position);
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent()
    .setId(new shared.UUID().setString(entry.id))
    .setStreamIdentifier(identifierOf(entry.stream))
    .setStreamRevision(String(entry.revision))
    .setPreparePosition(position)
    .setCommitPosition(position)
    .setData(entry.data)
    .setCustomMetadata(entry.metadata);
  recorded
    .getMetadataMap()
    .set('type', entry.type)
    .set('content-type', entry.contentType)
    .set('created', String(BigInt(entry.createdMs) * ticksPerMs));
  const event = new streams.ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(position);
  return new streams.ReadResp().setEvent(event);
}
