import { BACKWARDS, END, type EventStoreDBClient, FORWARDS, START } from '@eventstore/db-client';
import { decodePosition } from './eventstoredb-position.ts';
import type { Behind, Position } from './ledger.ts';

/** The server's own events that are looked past for the first of ours. */
const lookMax = 1000;

/** A position is an offset in bytes; what lies between two of them cannot be counted, the server's own is part of it. */
export async function behindOf(client: EventStoreDBClient, after: Position | null): Promise<Behind> {
  const start = after === null ? null : decodePosition(after);
  let head = 0n;
  for await (const { event } of client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 })) {
    head = event?.position.commit ?? 0n;
  }
  const bytes = Number(head - (start?.commit ?? 0n));
  if (bytes <= 0) return { events: null, bytes: 0, oldestAt: null };
  let oldestAt: string | null = null;
  const reading = client.readAll({ direction: FORWARDS, fromPosition: start ?? START, maxCount: lookMax });
  for await (const { event } of reading) {
    // The event at the position itself is read again.
    if (event === undefined || event.streamId.startsWith('$')) continue;
    if (start !== null && event.position.commit <= start.commit) continue;
    oldestAt = event.created.toISOString();
    break;
  }
  return { events: null, bytes, oldestAt };
}
