import { BACKWARDS, END, type EventStoreDBClient, FORWARDS, START } from '@eventstore/db-client';
import { decodePosition, type LogPosition } from './eventstoredb-position.ts';
import type { Behind, Position } from './ledger.ts';

/** The server's own events that are looked past for the first of ours: it may have written of itself alone for hours. */
const pageMax = 200;
const pagesMax = 10;

/** A position is an offset in bytes; what lies between two of them cannot be counted, the server's own is part of it. */
export async function behindOf(client: EventStoreDBClient, after: Position | null): Promise<Behind> {
  const start = after === null ? null : decodePosition(after);
  let head = 0n;
  for await (const { event } of client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 })) {
    head = event?.position.commit ?? 0n;
  }
  const bytes = Number(head - (start?.commit ?? 0n));
  if (bytes <= 0) return { events: null, bytes: 0, oldestAt: null };
  return { events: null, bytes, oldestAt: await firstAfter(client, start) };
}

/** When the first of our events after a position was recorded. Pages are read to their end: a call broken off stays. */
async function firstAfter(client: EventStoreDBClient, start: LogPosition | null): Promise<string | null> {
  let from = start;
  for (let pages = 0; pages < pagesMax; pages++) {
    let [count, oldestAt]: [number, string | null] = [0, null];
    const reading = client.readAll({ direction: FORWARDS, fromPosition: from ?? START, maxCount: pageMax });
    for await (const { event } of reading) {
      count += 1;
      if (event === undefined) continue;
      from = event.position;
      // The event at the position itself is read again.
      const isAfter = start === null || event.position.commit > start.commit;
      if (isAfter && !event.streamId.startsWith('$')) oldestAt ??= event.created.toISOString();
    }
    if (oldestAt !== null || count < pageMax) return oldestAt;
  }
  return null;
}
