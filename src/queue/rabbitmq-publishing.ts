import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfirmChannel, Message, Options } from 'amqplib';
import { QueueUnavailable, type RabbitmqConnection } from './rabbitmq-connection.ts';

export interface Publication {
  readonly exchange: string;
  readonly key: string;
  readonly content: Buffer;
  readonly options: Options.Publish;
}

/** Publishes with confirms, across lost channels and connections. */
export interface Publishing {
  /**
   * `refused`: the queue is full. What has no clear outcome is published again, so a message may come twice.
   *
   * @throws QueueUnavailable where no queue takes the message, or nothing is clear after a while
   */
  publish(publication: Publication): Promise<'confirmed' | 'refused'>;
  /** Why the last message was not taken; null: it was, or is under way for the first time. */
  readonly trouble: string | null;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

const unconfirmedMax = 1000;
const settleMsMax = 30_000;
const sweepEveryMs = 250;
const backoffMsMin = 50;
const backoffMsMax = 2000;

class Unrouted extends Error {}
class Unclear extends Error {}

interface Session {
  readonly channel: ConfirmChannel;
  /** Message ids that came back since, because no queue takes them. */
  readonly returned: Map<string, number>;
  /** Resolves when the socket takes more. */
  writable: Promise<void> | null;
  readonly closed: Promise<void>;
}

/** @param settleMs how long a message is offered whose outcome is unclear, in milliseconds */
export function createPublishing(connection: RabbitmqConnection, settleMs = settleMsMax): Publishing {
  let session: Promise<Session> | null = null;
  let underWay = 0;
  let trouble: string | null = null;
  const waiting: (() => void)[] = [];
  let idle: () => void = () => undefined;

  /** One timer for all: a timer for every message would cost a tenth of the rate. */
  const watched = new Set<{ readonly deadlineMs: number; readonly expired: () => void }>();
  let sweeping: NodeJS.Timeout | null = null;

  function watch(deadlineMs: number, expired: () => void): () => void {
    const entry = { deadlineMs, expired };
    watched.add(entry);
    sweeping ??= setInterval(() => {
      const nowMs = performance.now();
      for (const one of watched) {
        if (one.deadlineMs > nowMs) continue;
        watched.delete(one);
        one.expired();
      }
      if (watched.size > 0 || sweeping === null) return;
      clearInterval(sweeping);
      sweeping = null;
    }, sweepEveryMs);
    return () => watched.delete(entry);
  }

  async function open(): Promise<Session> {
    const channel = await connection.confirmChannel();
    const returned = new Map<string, number>();
    const closed = new Promise<void>((resolve) => channel.once('close', () => resolve()));
    const own: Session = { channel, returned, writable: null, closed };
    channel.on('return', ({ properties }: Message) => {
      const id = String(properties.messageId ?? '');
      returned.set(id, (returned.get(id) ?? 0) + 1);
    });
    channel.once('close', () => {
      session = null;
    });
    return own;
  }

  async function once(
    { exchange, key, content, options }: Publication,
    deadlineMs: number,
  ): Promise<'confirmed' | 'refused'> {
    session ??= open().catch((error: unknown) => {
      session = null;
      throw error;
    });
    const own = await session;
    if (own.writable !== null) await Promise.race([own.writable, own.closed]);
    return new Promise((resolve, reject) => {
      const unwatch = watch(deadlineMs, () => {
        const why = connection.blocked;
        reject(
          new Unclear(why === null ? 'RabbitMQ does not confirm' : `RabbitMQ takes no messages (${why})`),
        );
        // What it may still confirm is nobody's any more.
        if (session !== null) void own.channel.close().catch(() => undefined);
      });
      const settled = (error: Error | null) => {
        unwatch();
        const id = String(options.messageId ?? '');
        const returns = own.returned.get(id) ?? 0;
        if (returns > 0) {
          if (returns === 1) own.returned.delete(id);
          else own.returned.set(id, returns - 1);
          reject(new Unrouted());
        } else if (error === null || error === undefined) resolve('confirmed');
        else if (/nacked/.test(error.message)) resolve('refused');
        else reject(new Unclear(error.message));
      };
      try {
        // The message is taken also where it says false; only what comes next should wait.
        const more = own.channel.publish(exchange, key, content, { ...options, mandatory: true }, settled);
        if (!more) {
          own.writable ??= new Promise((writable) =>
            own.channel.once('drain', () => {
              own.writable = null;
              writable();
            }),
          );
        }
      } catch (error) {
        unwatch();
        session = null;
        reject(new Unclear(error instanceof Error ? error.message : String(error)));
      }
    });
  }

  async function settle(publication: Publication): Promise<'confirmed' | 'refused'> {
    const deadlineMs = performance.now() + settleMs;
    for (let backoffMs = backoffMsMin; ; backoffMs = Math.min(backoffMs * 2, backoffMsMax)) {
      try {
        const result = await once(publication, deadlineMs);
        trouble = null;
        return result;
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        trouble = error instanceof QueueUnavailable ? why : `RabbitMQ takes no messages: ${why}.`;
        if (error instanceof Unrouted) {
          const lacks = unrouted(publication);
          trouble = lacks.message;
          throw lacks;
        }
        if (performance.now() + backoffMs > deadlineMs) {
          if (error instanceof QueueUnavailable) throw error;
          throw new QueueUnavailable(`A message was not confirmed within ${settleMs / 1000} s: ${why}.`, {
            cause: error,
          });
        }
        await sleep(backoffMs);
      }
    }
  }

  return {
    get trouble() {
      return trouble;
    },
    async publish(publication) {
      if (underWay >= unconfirmedMax) await new Promise<void>((resolve) => waiting.push(resolve));
      else underWay += 1;
      try {
        return await settle(publication);
      } finally {
        const next = waiting.shift();
        if (next !== undefined) next();
        else if (--underWay === 0) idle();
      }
    },
    async close() {
      if (underWay > 0)
        await new Promise<void>((resolve) => {
          idle = resolve;
        });
      if (sweeping !== null) clearInterval(sweeping);
      const last = await session?.catch(() => null);
      await last?.channel.close().catch(() => undefined);
    },
  };
}

function unrouted({ exchange, key }: Publication): QueueUnavailable {
  const missing = exchange === '' ? `the queue "${key}"` : `a queue behind the exchange "${exchange}"`;
  return new QueueUnavailable(`RabbitMQ lacks ${missing}: run "queue init".`);
}
