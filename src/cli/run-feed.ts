import { defaultPriority, laneOfPriority } from '../domain/priority.ts';
import { trackStream } from '../domain/stream-names.ts';
import type { TaskRequest } from '../domain/task.ts';
import { encodeMessage } from '../queue/message.ts';
import type { TaskMessage, TaskQueue } from '../queue/queue.ts';
import { rowTaskId } from '../queue/task-id.ts';
import type { InputRow, RejectedRow } from './input/input-row.ts';
import type { Tally } from './run-tally.ts';

/** Rows that may be offered and unfinished at a time, those that wait for a retry included. */
const openRowsMax = 2000;

export interface FeedOptions {
  readonly rows: AsyncIterable<InputRow | RejectedRow>;
  readonly queue: TaskQueue;
  readonly tally: Tally;
  /** Which repetition of the file this is; 0 for the first. */
  readonly again: number;
  readonly signal: AbortSignal;
  readonly onRejected: (row: RejectedRow) => Promise<void>;
}

/** Offers every row of the input to the workers, never more at a time than they can hold. Resolves at its end. */
export async function feedRows(
  options: FeedOptions,
): Promise<{ readonly rows: number; readonly rejected: number }> {
  const { rows, queue, tally, again, signal, onRejected } = options;
  let accepted = 0;
  let rejected = 0;
  for await (const row of rows) {
    if (signal.aborted) break;
    if (row.kind === 'rejected') {
      rejected += 1;
      await onRejected(row);
      continue;
    }
    while (tally.open >= openRowsMax && !signal.aborted) await orAborted(tally.changed(), signal);
    if (signal.aborted) break;
    const message = messageOfRow(row, again);
    tally.offered(message.id);
    // It cannot be refused: the queue holds more than openRowsMax.
    await queue.publish(message);
    accepted += 1;
  }
  return { rows: accepted, rejected };
}

function messageOfRow(row: InputRow, again: number): TaskMessage {
  const priority = row.priority ?? defaultPriority;
  const request: TaskRequest = {
    trackId: row.trackId,
    artist: row.artist,
    title: row.title,
    isrc: row.isrc,
    durationMs: row.durationMs,
    spotifyId: row.spotifyId,
    musicbrainzId: row.musicbrainzId,
    priority,
    source: row.source,
    queuedAt: null,
    forceRefresh: row.forceRefresh,
    extra: row.extra,
  };
  return {
    id: rowTaskId(trackStream(row.trackId), row.row, again),
    lane: laneOfPriority(priority),
    priority,
    hop: 0,
    body: encodeMessage(request, { kind: 'request' }, null),
    causationId: null,
  };
}

/** Resolves with the promise, or as soon as the signal aborts. */
export function orAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const done = () => resolve();
    signal.addEventListener('abort', done, { once: true });
    promise.then(done, reject).finally(() => signal.removeEventListener('abort', done));
  });
}
