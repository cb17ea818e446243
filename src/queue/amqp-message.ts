import type { ConsumeMessage, Options } from 'amqplib';
import type { Lane } from '../domain/priority.ts';
import type { DeadLetter, TaskMessage } from './queue.ts';
import { laneQueues } from './topology.ts';

/** Task messages as AMQP carries them. Own headers only: what a broker wrote of an earlier way is not passed on. */

export const headers = {
  hop: 'x-hop',
  causation: 'x-causation-id',
  /** When a message that waits may come out, in milliseconds since 1970. */
  notBefore: 'x-not-before',
  /** Why this project gave a message up, where the broker did not. */
  gaveUp: 'x-enrichment-gave-up',
} as const;

const priorityMax = 10;

export function amqpOptions(
  message: TaskMessage,
  extra: Readonly<Record<string, string | number>> = {},
): Options.Publish {
  const { id, priority, hop, causationId } = message;
  return {
    persistent: true,
    contentType: 'application/json',
    priority,
    ...(id === '' ? {} : { messageId: id }),
    headers: {
      [headers.hop]: hop,
      ...(causationId === null ? {} : { [headers.causation]: causationId }),
      ...extra,
    },
  };
}

/** Whatever a foreign publisher left out or wrote oddly has a default: no message is lost to its envelope. */
export function taskMessageOf(
  { properties, content }: Pick<ConsumeMessage, 'properties' | 'content'>,
  lane: Lane,
): TaskMessage {
  const { messageId, priority } = properties as { readonly messageId?: unknown; readonly priority?: unknown };
  return {
    id: typeof messageId === 'string' ? messageId : '',
    lane,
    priority: typeof priority === 'number' ? Math.min(priorityMax, Math.max(0, Math.round(priority))) : 0,
    hop: wholeNumber(headerOf(properties, headers.hop)) ?? 0,
    body: content.toString('utf8'),
    causationId: text(headerOf(properties, headers.causation)),
  };
}

/** How much longer the message has to wait; 0: it is due. */
export function waitsMs({ properties }: Pick<ConsumeMessage, 'properties'>, nowMs: number): number {
  return Math.max(0, (wholeNumber(headerOf(properties, headers.notBefore)) ?? 0) - nowMs);
}

const reasons: Readonly<Record<string, DeadLetter['reason']>> = {
  expired: 'expired',
  maxlen: 'overflow',
  delivery_limit: 'delivery_limit',
  rejected: 'delivery_limit',
};

/** What the broker gave up, and why: the newest entry of its `x-death` tells. */
export function deadLetterOf(message: Pick<ConsumeMessage, 'properties' | 'content'>): DeadLetter {
  const deaths = headerOf(message.properties, 'x-death');
  const [newest] = Array.isArray(deaths) ? (deaths as Record<string, unknown>[]) : [];
  const lane =
    newest?.queue === laneQueues.backlog || headerOf(message.properties, headers.gaveUp) === 'backlog'
      ? 'backlog'
      : 'real-time';
  const gaveUp = headerOf(message.properties, headers.gaveUp) !== undefined;
  const reason = gaveUp ? 'delivery_limit' : (reasons[String(newest?.reason)] ?? 'expired');
  return { message: taskMessageOf(message, lane), reason };
}

function headerOf(properties: ConsumeMessage['properties'], name: string): unknown {
  return (properties.headers as Record<string, unknown> | undefined)?.[name];
}

function wholeNumber(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
