import type { Lane } from '../domain/priority.ts';
import { amqpOptions, deadLetterOf, headers, taskMessageOf, waitsMs } from './amqp-message.ts';
import type { Consumer, TaskMessage, TaskQueue } from './queue.ts';
import { createConnection, QueueUnavailable, type RabbitmqAddress, within } from './rabbitmq-connection.ts';
import { type Consuming, consumeQueue, type Settlement } from './rabbitmq-consuming.ts';
import { createPublishing } from './rabbitmq-publishing.ts';
import {
  deadLetterExchange,
  deadLetterInbox,
  deadLetterKey,
  laneQueuesOf,
  tierOf,
  waitExchange,
} from './topology.ts';

export interface RabbitmqQueueOptions {
  readonly address: RabbitmqAddress;
  /** How the broker lists the connections. */
  readonly name: string;
  /** A message that failed this often in this process is given up to the dead letters. */
  readonly deliveryLimit?: number;
  /** How long a message rests after a delivery that failed, in milliseconds. */
  readonly redeliveryDelayMs?: number;
  /** How long a publication is tried whose outcome is unclear, in milliseconds. */
  readonly settleMs?: number;
  /** Why a queue gives nothing at the moment; null: it does again. */
  readonly onState?: (queue: string, why: string | null) => void;
}

export interface RabbitmqQueue extends TaskQueue {
  /** Why it cannot work at the moment, one sentence a reason. */
  faults(): readonly string[];
  /**
   * Messages that are ready in a queue.
   *
   * @throws QueueUnavailable
   */
  depth(queue: string): Promise<number>;
}

/** What comes this much early is not worth another wait. */
const earlyMsMax = 20;
/** Messages whose failures are remembered. */
const failuresMax = 10_000;

/** The queue on RabbitMQ. What it needs there is made by `queue init`. */
export function createRabbitmqQueue(options: RabbitmqQueueOptions): RabbitmqQueue {
  const { address, name, deliveryLimit = 5, redeliveryDelayMs = 1000, onState } = options;
  const laneQueues = laneQueuesOf(address);
  // Apart, because a broker in need blocks connections that publish.
  const publishingOn = createConnection(address, `${name} publishes`);
  const consumingOn = createConnection(address, `${name} consumes`);
  const publishing = createPublishing(publishingOn, options.settleMs);
  const consumers = new Set<Consumer>();
  const states = new Map<string, string>();
  const failures = new Map<string, number>();

  function told(queue: string, why: string | null): void {
    if (why === null) states.delete(queue);
    else states.set(queue, why);
    onState?.(queue, why);
  }

  function publishAt(message: TaskMessage, dueMs: number): Promise<'confirmed' | 'refused'> {
    const content = Buffer.from(message.body);
    const key = laneQueues[message.lane];
    const delayMs = dueMs - Date.now();
    if (delayMs <= 0)
      return publishing.publish({ exchange: '', key, content, options: amqpOptions(message) });
    const { tierMs, expirationMs } = tierOf(delayMs);
    return publishing.publish({
      exchange: waitExchange(tierMs),
      key,
      content,
      options: {
        ...amqpOptions(message, { [headers.notBefore]: Math.ceil(dueMs) }),
        expiration: expirationMs,
      },
    });
  }

  function consumerOf(parts: readonly Consuming[]): Consumer {
    const consumer = {
      async stop() {
        consumers.delete(consumer);
        await Promise.all(parts.map((part) => part.stop()));
      },
    };
    consumers.add(consumer);
    return consumer;
  }

  function failedAgain(id: string): number {
    const count = (failures.get(id) ?? 0) + 1;
    failures.delete(id);
    failures.set(id, count);
    const [oldest] = failures.keys();
    if (failures.size > failuresMax && oldest !== undefined) failures.delete(oldest);
    return count;
  }

  /** Classic queues count no deliveries, so that a message nobody can work on would go round for ever. */
  async function giveUp(message: TaskMessage): Promise<Settlement> {
    failures.delete(message.id);
    const published = await publishing.publish({
      exchange: deadLetterExchange,
      key: deadLetterKey,
      content: Buffer.from(message.body),
      options: amqpOptions(message, { [headers.gaveUp]: message.lane }),
    });
    return published === 'confirmed' ? 'done' : 'again';
  }

  return {
    publish: (message, { delayMs = 0 } = {}) => publishAt(message, delayMs > 0 ? Date.now() + delayMs : 0),

    consume(handler, { lanes, concurrency }) {
      const free = createSlots(concurrency);
      const consuming = (lane: Lane) =>
        consumeQueue(consumingOn, {
          queue: laneQueues[lane],
          prefetch: concurrency,
          restMs: redeliveryDelayMs,
          onState: (why) => told(laneQueues[lane], why),
          async handle(raw) {
            const message = taskMessageOf(raw, lane);
            const inMs = waitsMs(raw, Date.now());
            // It came out of a shorter wait than it has to: the rest of it, as the same hop.
            if (inMs > earlyMsMax)
              return (await publishAt(message, Date.now() + inMs)) === 'confirmed' ? 'done' : 'again';
            await free.take();
            try {
              await handler({ message, redelivered: raw.fields.redelivered });
              failures.delete(message.id);
              return 'done';
            } catch {
              // Whoever handles it has logged why.
              return failedAgain(message.id) < deliveryLimit ? 'again' : await giveUp(message);
            } finally {
              free.give();
            }
          },
        });
      return consumerOf(lanes.map(consuming));
    },

    consumeDeadLetters: (handler) =>
      consumerOf([
        consumeQueue(consumingOn, {
          queue: deadLetterInbox,
          prefetch: 1,
          restMs: redeliveryDelayMs,
          onState: (why) => told(deadLetterInbox, why),
          async handle(raw) {
            await handler(deadLetterOf(raw));
            return 'done';
          },
        }),
      ]),

    faults() {
      const { blocked } = publishingOn;
      const { trouble } = publishing;
      const publishes = blocked === null ? trouble : `RabbitMQ takes no messages: ${blocked}.`;
      return [...states.values(), ...(publishes === null ? [] : [publishes])];
    },

    async depth(queue) {
      const channel = await consumingOn.channel();
      try {
        return (await within(channel.checkQueue(queue), `RabbitMQ did not tell of ${queue}`)).messageCount;
      } catch (cause) {
        throw new QueueUnavailable(`RabbitMQ does not tell how deep the queue "${queue}" is.`, { cause });
      } finally {
        await within(channel.close(), 'RabbitMQ did not close a channel').catch(() => undefined);
      }
    },

    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.stop()));
      await publishing.close();
      await Promise.all([publishingOn.close(), consumingOn.close()]);
    },
  };
}

/** Slots that several queues share. */
function createSlots(count: number): { take(): Promise<void>; give(): void } {
  let free = count;
  const waiting: (() => void)[] = [];
  return {
    async take() {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    },
    give() {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    },
  };
}
