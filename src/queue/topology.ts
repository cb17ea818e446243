import type { Lane } from '../domain/priority.ts';
import { jitterShare, waitTiersMs } from '../domain/retry-policy.ts';

/** The queues, exchanges and policies on the broker, as data. The names and arguments are others' already. */

export type QueueType = 'classic' | 'quorum';

export interface QueueSpec {
  readonly name: string;
  readonly arguments: Readonly<Record<string, string | number>>;
}

export interface ExchangeSpec {
  readonly name: string;
  readonly type: 'direct' | 'fanout';
}

export interface BindingSpec {
  readonly exchange: string;
  readonly queue: string;
  readonly key: string;
}

/** What is added to queues whose arguments belong to others: a policy can be set at any time. */
export interface PolicySpec {
  readonly name: string;
  readonly pattern: string;
  readonly definition: Readonly<Record<string, string | number>>;
}

export interface Topology {
  readonly exchanges: readonly ExchangeSpec[];
  readonly queues: readonly QueueSpec[];
  readonly bindings: readonly BindingSpec[];
  readonly policies: readonly PolicySpec[];
}

/** The queue of each lane. */
export type LaneQueues = Readonly<Record<Lane, string>>;

export const laneQueues: LaneQueues = {
  'real-time': 'metadata_enrichment_queue',
  backlog: 'metadata_enrichment_backlog_queue',
};

/** The queues where the real-time queue has a name of its own; all others keep theirs. */
export function laneQueuesOf({ queueName }: { readonly queueName?: string }): LaneQueues {
  return queueName === undefined ? laneQueues : { ...laneQueues, 'real-time': queueName };
}

export const deadLetterExchange = 'metadata_enrichment_dlx';
export const deadLetterKey = 'failed';
export const deadLetterQueue = 'metadata_enrichment_dlq';
/** Beside the capped queue above, which its readers keep: what the workers empty, so that nothing is lost. */
export const deadLetterInbox = 'enrichment_dead_letter_inbox';

const dayMs = 24 * 3600 * 1000;
const names: Readonly<Record<number, string>> = {
  1000: '1s',
  5000: '5s',
  15000: '15s',
  60000: '1m',
  300000: '5m',
  1800000: '30m',
  14400000: '4h',
};

/** The fanout exchange before a wait queue, so that the routing key stays that of the queue to return to. */
export function waitExchange(tierMs: number): string {
  return `metadata_enrichment_wait_${names[tierMs] ?? `${tierMs}ms`}`;
}

/**
 * The tier for a wait: that above it, where it is nearly full, since messages leave a queue in order and would hold
 * up shorter ones; else that below it, and what is left is waited for in another.
 */
export function tierOf(delayMs: number): { readonly tierMs: number; readonly expirationMs: number } {
  const [shortest] = waitTiersMs;
  const above = waitTiersMs.find((tier) => tier >= delayMs);
  if (above !== undefined && (above === shortest || delayMs >= above * (1 - jitterShare))) {
    return { tierMs: above, expirationMs: Math.max(1, Math.ceil(delayMs)) };
  }
  const below = waitTiersMs.findLast((tier) => tier <= delayMs) ?? shortest;
  return { tierMs: below, expirationMs: below };
}

const deadLettered = {
  'x-dead-letter-exchange': deadLetterExchange,
  'x-dead-letter-routing-key': deadLetterKey,
} as const;

/** @param type of the work queues; a quorum queue knows no ten priorities */
export function topologyOf(type: QueueType, lanes: LaneQueues = laneQueues): Topology {
  const quorum = { 'x-queue-type': 'quorum' } as const;
  const work = (ttlMs: number, lengthMax: number, priorities: Readonly<Record<string, number>>) => ({
    'x-message-ttl': ttlMs,
    ...deadLettered,
    'x-max-length': lengthMax,
    ...(type === 'quorum' ? quorum : priorities),
  });
  const waits = waitTiersMs.map((tierMs) => ({
    name: waitExchange(tierMs),
    arguments: {
      ...quorum,
      'x-message-ttl': tierMs,
      // The default exchange: back to the queue that the routing key names, and held here while that is full.
      'x-dead-letter-exchange': '',
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    },
  }));
  return {
    exchanges: [
      { name: deadLetterExchange, type: 'direct' },
      ...waits.map(({ name }) => ({ name, type: 'fanout' as const })),
    ],
    queues: [
      { name: deadLetterQueue, arguments: { 'x-message-ttl': 7 * dayMs, 'x-max-length': 10_000 } },
      { name: deadLetterInbox, arguments: quorum },
      { name: lanes['real-time'], arguments: work(dayMs, 100_000, { 'x-max-priority': 10 }) },
      { name: lanes.backlog, arguments: work(7 * dayMs, 1_000_000, {}) },
      ...waits,
    ],
    bindings: [
      { exchange: deadLetterExchange, queue: deadLetterQueue, key: deadLetterKey },
      { exchange: deadLetterExchange, queue: deadLetterInbox, key: deadLetterKey },
      ...waits.map(({ name }) => ({ exchange: name, queue: name, key: '' })),
    ],
    policies: [
      {
        // A full queue refuses the publisher; without it the broker drops the message of the highest priority. A queue
        // of the usual name is covered too: others of the virtual host may use it.
        name: 'enrichment-refuse-when-full',
        pattern: `^(${namesOf(lanes).join('|').replaceAll('.', '[.]')})$`,
        definition: { overflow: 'reject-publish' },
      },
    ],
  };
}

function namesOf(lanes: LaneQueues): readonly string[] {
  return [...new Set([...Object.values(laneQueues), ...Object.values(lanes)])];
}
