import { BACKWARDS, END, FORWARDS, type RecordedEvent as Recorded, START } from '@eventstore/db-client';
import type { Connection } from './eventstoredb-connection.ts';
import { isMissing } from './eventstoredb-errors.ts';
import { encodePosition, type LogPosition } from './eventstoredb-position.ts';
import {
  type JsonObject,
  type Position,
  type ReadOptions,
  type RecordedEvent,
  readCountMax,
} from './ledger.ts';

const readMsMax = 30_000;

/** An event as the port has it. A foreign one may have no metadata, or data that is no object: readers look. */
export function recordedEvent(
  event: Pick<Recorded, 'id' | 'type' | 'streamId' | 'revision' | 'data' | 'metadata'> & {
    readonly position?: LogPosition;
  },
): RecordedEvent {
  const { id, type, streamId, revision, data, metadata, position } = event;
  return {
    id,
    type,
    stream: streamId,
    revision: Number(revision),
    position: position === undefined ? '' : encodePosition(position),
    data: data as JsonObject,
    metadata: (metadata ?? {}) as JsonObject,
  };
}

export async function readStream(
  { client, closed }: Connection,
  stream: string,
  { direction = 'forwards', from, maxCount = readCountMax }: ReadOptions,
): Promise<readonly RecordedEvent[]> {
  if (maxCount <= 0 || stream === '') return [];
  const forwards = direction === 'forwards';
  const reading = client.readStream(stream, {
    direction: forwards ? FORWARDS : BACKWARDS,
    fromRevision: from === undefined ? (forwards ? START : END) : BigInt(from),
    maxCount: Math.min(maxCount, readCountMax),
  });
  const events: RecordedEvent[] = [];
  try {
    await within(reading, closed, async () => {
      for await (const { event } of reading) if (event !== undefined) events.push(recordedEvent(event));
    });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return events;
}

/** The position of the newest event of the whole log, those of the server itself included. */
export async function readHead({ client, closed }: Connection): Promise<Position | null> {
  const reading = client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 });
  let head: Position | null = null;
  await within(reading, closed, async () => {
    for await (const { event } of reading) if (event !== undefined) head = encodePosition(event.position);
  });
  return head;
}

/** Reads have no deadline of their own: a silent server would be waited for until the end of days. */
async function within(
  reading: { cancel(): Promise<void> },
  closed: AbortSignal,
  read: () => Promise<void>,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let close: () => void = () => undefined;
  const cut = new Promise<never>((_, reject) => {
    // A read that is cancelled ends without a word.
    close = () => reject(new Error('The connection was closed.'));
    closed.addEventListener('abort', close);
    timer = setTimeout(() => {
      void reading.cancel();
      reject(new Error(`No answer within ${readMsMax / 1000} s.`));
    }, readMsMax);
  });
  await Promise.race([read(), cut]).finally(() => {
    clearTimeout(timer);
    closed.removeEventListener('abort', close);
  });
}
