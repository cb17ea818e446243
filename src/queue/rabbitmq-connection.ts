import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from 'amqplib';

/** RabbitMQ cannot be used now; the message is one sentence that says what to change or wait for. */
export class QueueUnavailable extends Error {
  override readonly name = 'QueueUnavailable';
}

export interface RabbitmqAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly vhost: string;
  /** Of the real-time queue, where it is not the usual one. */
  readonly queueName?: string;
}

/** One connection that is made again, when somebody asks for a channel after it was lost. */
export interface RabbitmqConnection {
  /** @throws QueueUnavailable */
  channel(): Promise<Channel>;
  /** @throws QueueUnavailable */
  confirmChannel(): Promise<ConfirmChannel>;
  /** What the broker tells of itself; null before the first connection. */
  readonly server: { readonly product: string; readonly version: string } | null;
  /** Why the broker takes no messages at the moment, such as an alarm; null: it does. */
  readonly blocked: string | null;
  readonly isOpen: boolean;
  close(): Promise<void>;
}

const answerMsMax = 10_000;
const heartbeatSeconds = 10;

/** @param name how the broker lists the connection */
export function createConnection(address: RabbitmqAddress, name: string): RabbitmqConnection {
  let opening: Promise<ChannelModel> | null = null;
  let open: ChannelModel | null = null;
  let server: RabbitmqConnection['server'] = null;
  let blocked: string | null = null;
  let closed = false;

  async function connection(): Promise<ChannelModel> {
    if (closed) throw new QueueUnavailable('The connection to RabbitMQ is closed.');
    opening ??= dial().catch((error: unknown) => {
      opening = null;
      throw unavailable(address, error);
    });
    return opening;
  }

  async function dial(): Promise<ChannelModel> {
    const { host: hostname, port, user: username, password, vhost } = address;
    const made = await connect(
      { protocol: 'amqp', hostname, port, username, password, vhost, heartbeat: heartbeatSeconds },
      { timeout: answerMsMax, clientProperties: { connection_name: name } },
    );
    // Whoever uses a channel of it sees the loss there; without a listener it would end the process.
    made.on('error', () => undefined);
    made.on('close', () => {
      if (open !== made) return;
      open = null;
      opening = null;
      blocked = null;
    });
    made.on('blocked', (reason: string) => {
      blocked = reason;
    });
    made.on('unblocked', () => {
      blocked = null;
    });
    open = made;
    const { product, version } = made.connection.serverProperties;
    server = { product, version };
    return made;
  }

  async function channelOf<Made extends Channel>(make: (on: ChannelModel) => Promise<Made>): Promise<Made> {
    const on = await connection();
    try {
      const channel = await within(make(on), 'RabbitMQ opened no channel');
      channel.on('error', () => undefined);
      return channel;
    } catch (error) {
      throw unavailable(address, error);
    }
  }

  return {
    channel: () => channelOf((on) => on.createChannel()),
    confirmChannel: () => channelOf((on) => on.createConfirmChannel()),
    get server() {
      return server;
    },
    get blocked() {
      return blocked;
    },
    get isOpen() {
      return open !== null;
    },
    async close() {
      closed = true;
      const last = await opening?.catch(() => null);
      await Promise.race([
        last?.close().catch(() => undefined),
        sleep(answerMsMax, undefined, { ref: false }),
      ]);
    },
  };
}

/** The promise, or an error once the broker has been silent for too long. */
export async function within<Value>(promise: Promise<Value>, what: string): Promise<Value> {
  const controller = new AbortController();
  promise.catch(() => undefined);
  try {
    return await Promise.race([
      promise,
      sleep(answerMsMax, undefined, { signal: controller.signal }).then(() => {
        throw new Error(`${what} within ${answerMsMax / 1000} s`);
      }),
    ]);
  } finally {
    controller.abort();
  }
}

/** One sentence on what to change, where the error tells. */
function unavailable({ host, port, vhost }: RabbitmqAddress, cause: unknown): QueueUnavailable {
  if (cause instanceof QueueUnavailable) return cause;
  const said =
    cause instanceof Error
      ? `${(cause as NodeJS.ErrnoException).code ?? ''} ${cause.message}`
      : String(cause);
  const where = `${host}:${port}`;
  const sentence = /ACCESS_REFUSED|403/.test(said)
    ? `RabbitMQ at ${where} refuses the user: correct RABBITMQ_USER and RABBITMQ_PASS, or give the user rights on the virtual host "${vhost}".`
    : /NOT_ALLOWED|530|got <ConnectionClose/.test(said)
      ? `RabbitMQ at ${where} has no virtual host "${vhost}" for this user: correct RABBITMQ_VHOST.`
      : /ENOTFOUND|EAI_AGAIN/.test(said)
        ? `The host in RABBITMQ_HOST ("${host}") is not known: correct its name, or check the network.`
        : /ECONNREFUSED/.test(said)
          ? `Nothing listens at ${where}: start RabbitMQ, or correct RABBITMQ_HOST and RABBITMQ_PORT.`
          : `RabbitMQ at ${where} cannot be used (${said.trim().split('\n')[0]}).`;
  return new QueueUnavailable(sentence, { cause });
}
