import { setTimeout as sleep } from 'node:timers/promises';
import { type EnrichmentQueuePublisher, type EnrichmentTask, InvalidTask } from '../queue/publisher.ts';
import { QueueUnavailable } from '../queue/rabbitmq-connection.ts';
import type { InputRow, RejectedRow } from './input/input-row.ts';

export interface Published {
  /** Tasks that the broker took, by queue. */
  readonly confirmed: Readonly<Record<string, number>>;
  /** Rows that could not be read, or that the broker did not take. */
  readonly rejected: number;
}

/** Rows on their way at a time. */
const windowMax = 500;
/** How often a row is offered to a full queue: about half a minute. */
const offersMax = 30;
const offerAgainAfterMs = 1000;

/**
 * Publishes every row, or reports it with its line. A full queue is waited for.
 *
 * @throws QueueUnavailable where the broker is away for too long; what was confirmed by then stays published
 */
export async function publishRows(options: {
  readonly rows: AsyncIterable<InputRow | RejectedRow>;
  readonly publisher: Pick<EnrichmentQueuePublisher, 'publish'>;
  readonly taskOf: (row: InputRow) => EnrichmentTask;
  readonly onReject: (row: RejectedRow) => Promise<void>;
  readonly onProgress: (done: number, failed: number) => void;
  /** What became of an offer to the broker; a refused one is made again. */
  readonly onOffered: (queue: string, result: 'confirmed' | 'refused') => void;
}): Promise<Published> {
  const { rows, publisher, taskOf, onReject, onProgress, onOffered } = options;
  const confirmed: Record<string, number> = {};
  let done = 0;
  let rejected = 0;
  let failure: unknown = null;
  const underWay = new Set<Promise<void>>();
  // One after the other: the file of rejects is written in order.
  let rejecting: Promise<void> = Promise.resolve();

  function reject(row: RejectedRow): void {
    rejected += 1;
    rejecting = rejecting.then(() => onReject(row));
  }

  async function publish(row: InputRow): Promise<void> {
    const rejectedAs = (reason: string) => {
      const { row: number, line, lineCount, trackId, artist, title } = row;
      reject({
        kind: 'rejected',
        row: number,
        line,
        lineCount,
        reason,
        raw: JSON.stringify({ track_id: trackId, artist, title }),
      });
    };
    try {
      const task = taskOf(row);
      for (let offers = 1; ; offers++) {
        const { result, queue } = await publisher.publish(task);
        onOffered(queue, result);
        if (result === 'confirmed') {
          confirmed[queue] = (confirmed[queue] ?? 0) + 1;
          return;
        }
        if (offers === offersMax)
          return rejectedAs(`The queue ${queue} is full: publish this row again later.`);
        await sleep(offerAgainAfterMs);
      }
    } catch (error) {
      if (error instanceof InvalidTask) return rejectedAs(error.message);
      if (error instanceof QueueUnavailable)
        rejectedAs('The broker did not confirm it: publish this row again.');
      failure ??= error;
    }
  }

  for await (const row of rows) {
    if (failure !== null) break;
    if (row.kind === 'rejected') {
      reject(row);
      continue;
    }
    const work: Promise<void> = publish(row).finally(() => {
      underWay.delete(work);
      done += 1;
      onProgress(done, rejected);
    });
    underWay.add(work);
    if (underWay.size >= windowMax) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  await rejecting;
  if (failure !== null) throw failure;
  return { confirmed, rejected };
}
