import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ConsumeMessage } from 'amqplib';
import { type RabbitmqConnection, within } from './rabbitmq-connection.ts';

/** `again`: it comes again after a rest. */
export type Settlement = 'done' | 'again';

export interface ConsumingOptions {
  readonly queue: string;
  /** Messages in hand at a time. */
  readonly prefetch: number;
  readonly handle: (message: ConsumeMessage) => Promise<Settlement>;
  /** How long a message that failed rests before it is given back, in milliseconds. */
  readonly restMs: number;
  /** Why nothing comes at the moment; null: it does again. Called on changes only. */
  readonly onState: (why: string | null) => void;
}

export interface Consuming {
  /** Takes no more; resolves when what is in hand is settled and acknowledged. */
  stop(): Promise<void>;
}

const backoffMsMin = 100;
const backoffMsMax = 5000;

/**
 * Consumes a queue across everything that ends a consumer: a lost connection, a channel that the broker closed, a
 * queue that was deleted and comes back.
 */
export function consumeQueue(connection: RabbitmqConnection, options: ConsumingOptions): Consuming {
  const { queue, prefetch, handle, restMs, onState } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let state: string | null = 'It has not begun.';
  const running = run();

  function tell(why: string | null): void {
    if (why === state) return;
    state = why;
    onState(why);
  }

  async function run(): Promise<void> {
    let backoffMs = backoffMsMin;
    while (!signal.aborted) {
      try {
        await session(() => {
          backoffMs = backoffMsMin;
          tell(null);
        });
      } catch (error) {
        tell(explained(queue, error instanceof Error ? error.message : String(error)));
      }
      await sleep(backoffMs, undefined, { signal }).catch(() => undefined);
      backoffMs = Math.min(backoffMs * 2, backoffMsMax);
    }
  }

  /** One channel with one consumer, until either ends. */
  async function session(begun: () => void): Promise<void> {
    const channel = await connection.channel();
    const inHand = new Set<Promise<void>>();
    let ended: (why: string) => void = () => undefined;
    const end = new Promise<string>((resolve) => {
      ended = resolve;
    });
    let channelError = '';
    channel.on('error', (error: Error) => {
      channelError = error.message;
    });
    channel.once('close', () =>
      ended(channelError === '' ? `The channel of ${queue} was lost.` : explained(queue, channelError)),
    );
    const stop = () => ended('');
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    let isCancelled = false;
    try {
      await within(channel.prefetch(prefetch), 'RabbitMQ did not set the prefetch');
      const consuming = channel.consume(queue, (message) => {
        // The broker cancelled the consumer: the queue was deleted, or its node is going.
        if (message === null) {
          isCancelled = true;
          return ended(`The queue ${queue} is gone.`);
        }
        const work: Promise<void> = settle(channel, message).finally(() => inHand.delete(work));
        inHand.add(work);
      });
      const { consumerTag } = await within(
        Promise.race([
          consuming,
          end.then((why) => {
            throw new Error(why);
          }),
        ]),
        `RabbitMQ gave nothing of ${queue}`,
      );
      begun();
      const why = await end;
      if (!isCancelled)
        await within(channel.cancel(consumerTag), 'RabbitMQ did not cancel').catch(() => undefined);
      if (signal.aborted) await Promise.all(inHand);
      else if (why !== '') throw new Error(why);
    } finally {
      signal.removeEventListener('abort', stop);
      // The answer to this comes after every acknowledgement was taken. What is still in hand is delivered again.
      await within(channel.close(), 'RabbitMQ did not close a channel').catch(() => undefined);
    }
  }

  async function settle(channel: Channel, message: ConsumeMessage): Promise<void> {
    let settlement: Settlement;
    try {
      settlement = await handle(message);
    } catch {
      settlement = 'again';
    }
    try {
      if (settlement === 'done') channel.ack(message);
      else {
        await sleep(restMs, undefined, { signal }).catch(() => undefined);
        channel.nack(message, false, true);
      }
    } catch {
      // The channel is gone, and the broker delivers the message again.
    }
  }

  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function explained(queue: string, said: string): string {
  if (/NOT_FOUND/.test(said)) return `RabbitMQ lacks the queue "${queue}": run "queue init".`;
  return said.split('\n')[0] ?? said;
}
