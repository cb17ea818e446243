import { defaultPriority, laneOfPriority, priorityOfItem } from '../domain/priority.ts';
import { trackStream } from '../domain/stream-names.ts';
import type { TaskRequest } from '../domain/task.ts';
import { bodyBytesMax, encodeMessage } from './message.ts';
import { readPriority, readRequired, readTrackId, UnreadableField } from './message-fields.ts';
import { createRabbitmqQueue, type RabbitmqQueue } from './rabbitmq.ts';
import type { RabbitmqAddress } from './rabbitmq-connection.ts';
import { randomId, rowTaskId } from './task-id.ts';
import { type LaneQueues, laneQueuesOf } from './topology.ts';

/** A track to enrich. */
export interface EnrichmentTask {
  /** Any printable string of at most 200 characters: the key of the track. */
  readonly trackId: string;
  readonly artist: string;
  readonly title: string;
  readonly isrc?: string | null;
  readonly durationMs?: number | null;
  readonly spotifyId?: string | null;
  readonly musicbrainzId?: string | null;
  /** 0 (last) to 10 (first); where it is left out, by `source` and `createdAt`, as for scraped items. */
  readonly priority?: number | null;
  /** Where the task comes from, such as the name of a scraper. */
  readonly source?: string | null;
  /** When a scraped item was made, ISO 8601. */
  readonly createdAt?: string | null;
  /** True: the cache is not read for this task. */
  readonly forceRefresh?: boolean;
  /** Other fields, kept with the task up to 4 KB together. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /**
   * Names the task. Publishing the same id again is harmless, so whoever may repeat himself gives one; left out, it
   * is random.
   */
  readonly taskId?: string;
}

export interface PublishedTask {
  readonly taskId: string;
  readonly queue: string;
  /** `refused`: the queue is full, and did not take it. */
  readonly result: 'confirmed' | 'refused';
}

/** The task cannot be published as it is; the message is one sentence that says why. */
export class InvalidTask extends Error {
  override readonly name = 'InvalidTask';
}

/**
 * Publishes tasks to RabbitMQ. Each is confirmed by the broker, or reported; a lost connection is come back from. At
 * most a thousand are unconfirmed at a time: await `publish` now and then, and a slow broker slows its publisher.
 *
 * ```ts
 * const publisher = new EnrichmentQueuePublisher({ host: 'localhost', port: 5673, user, password, vhost: '/' });
 * await publisher.publish({ trackId: 'a1', artist: 'Nina Simone', title: 'Sinnerman', source: 'my-scraper' });
 * await publisher.close();
 * ```
 */
export class EnrichmentQueuePublisher {
  readonly #queue: RabbitmqQueue;
  readonly #queueOf: LaneQueues;

  constructor(address: RabbitmqAddress, options: { readonly name?: string } = {}) {
    this.#queue = createRabbitmqQueue({ address, name: options.name ?? 'enrichment-publisher' });
    this.#queueOf = laneQueuesOf(address);
  }

  /**
   * Publishes to the real-time queue from priority 4, else to the backlog.
   *
   * @throws InvalidTask before anything is sent
   * @throws QueueUnavailable where RabbitMQ does not confirm it within half a minute; it may have been taken
   */
  async publish(task: EnrichmentTask): Promise<PublishedTask> {
    const { priority, body } = encodeTask(task);
    const taskId = task.taskId ?? randomId();
    const lane = laneOfPriority(priority);
    const result = await this.#queue.publish({ id: taskId, lane, priority, hop: 0, body, causationId: null });
    return { taskId, queue: this.#queueOf[lane], result };
  }

  /** Why tasks cannot be published at the moment, one sentence a reason; empty: they can, as far as is known. */
  faults(): readonly string[] {
    return this.#queue.faults();
  }

  /** Waits for what is unconfirmed. */
  close(): Promise<void> {
    return this.#queue.close();
  }
}

/** The task id of a row of a file: the same file published again makes no new tasks. */
export function taskIdOfRow(trackId: string, row: number): string {
  return rowTaskId(trackStream(trackId), row);
}

/** @throws InvalidTask where a worker could not read it */
function encodeTask(task: EnrichmentTask): { readonly priority: number; readonly body: string } {
  const { source = null, createdAt = null } = task;
  const isItem = source !== null || createdAt !== null;
  const given = task.priority ?? (isItem ? priorityOfItem({ source, createdAt }) : defaultPriority);
  try {
    const priority = readPriority(given);
    const request: TaskRequest = {
      trackId: readTrackId(task.trackId),
      artist: readRequired('artist', task.artist),
      title: readRequired('title', task.title),
      isrc: task.isrc ?? null,
      durationMs: task.durationMs ?? null,
      spotifyId: task.spotifyId ?? null,
      musicbrainzId: task.musicbrainzId ?? null,
      priority,
      source,
      queuedAt: new Date().toISOString(),
      forceRefresh: task.forceRefresh ?? false,
      extra: task.extra ?? {},
    };
    const body = encodeMessage(request, { kind: 'request' }, null);
    // UTF-8 takes at most three bytes a UTF-16 unit, so most need no counting.
    if (body.length * 3 > bodyBytesMax && Buffer.byteLength(body) > bodyBytesMax) {
      throw new InvalidTask(`The task has more than ${bodyBytesMax} bytes: leave out what is not needed.`);
    }
    return { priority, body };
  } catch (error) {
    if (error instanceof UnreadableField) throw new InvalidTask(error.message);
    throw error;
  }
}
