import type { Channel } from 'amqplib';
import { createConnection, QueueUnavailable, type RabbitmqAddress, within } from './rabbitmq-connection.ts';
import { differenceInWords, differenceOfQueue } from './rabbitmq-differences.ts';
import { createManagement } from './rabbitmq-management.ts';
import { probeBroker } from './rabbitmq-probe.ts';
import {
  deadLetterExchange,
  deadLetterInbox,
  type LaneQueues,
  laneQueues,
  laneQueuesOf,
  type PolicySpec,
  type QueueType,
  topologyOf,
} from './topology.ts';

export interface InitOptions {
  readonly address: RabbitmqAddress;
  /** `http://HOST:15672`, for the policies. */
  readonly managementUrl: string;
  readonly type: QueueType;
}

/** What declaring came to, in sentences for a person. */
export interface InitReport {
  /** Such as `RabbitMQ 3.10.8`. */
  readonly server: string;
  readonly made: readonly string[];
  /** What exists otherwise than it has to be, with what to do. */
  readonly differences: readonly string[];
  /** What could not be done here, with the command that does it. */
  readonly byHand: readonly string[];
  /** What this broker does otherwise than one would think. */
  readonly notes: readonly string[];
}

/**
 * Declares queues, exchanges, bindings and policies; safe to repeat. A queue that exists with other arguments is
 * left as it is.
 *
 * @throws QueueUnavailable
 */
export async function initTopology({ address, managementUrl, type }: InitOptions): Promise<InitReport> {
  const connection = createConnection(address, 'enrichment-queue-init');
  const management = createManagement({ url: managementUrl, ...address });
  const { exchanges, queues, bindings, policies } = topologyOf(type, laneQueuesOf(address));
  const made: string[] = [];
  const differences: string[] = [];
  /** A declaration that is refused closes its channel, so each has one of its own. */
  const declare = async (what: string, work: (channel: Channel) => Promise<unknown>) => {
    const channel = await connection.channel();
    await within(work(channel), `RabbitMQ did not declare ${what}`);
    await within(channel.close(), 'RabbitMQ did not close a channel');
    made.push(what);
  };
  try {
    for (const { name, type: kind } of exchanges) {
      await declare(`exchange ${name}`, (channel) =>
        channel.assertExchange(name, kind, { durable: true }),
      ).catch((error: unknown) => void differences.push(differenceInWords(`exchange ${name}`, error)));
    }
    for (const queue of queues) {
      await declare(`queue ${queue.name}`, (channel) =>
        channel.assertQueue(queue.name, { durable: true, arguments: queue.arguments }),
      ).catch(async (error: unknown) => {
        const found = error instanceof QueueUnavailable ? null : await management.queue(queue.name);
        differences.push(
          found === null ? differenceInWords(`queue ${queue.name}`, error) : differenceOfQueue(queue, found),
        );
      });
    }
    for (const { exchange, queue, key } of bindings) {
      if (differences.length > 0) break;
      await declare(`binding of ${queue} to ${exchange}`, (channel) =>
        channel.bindQueue(queue, exchange, key),
      );
    }
    const byHand: string[] = [];
    for (const policy of policies) {
      if (await management.setPolicy(policy)) made.push(`policy ${policy.name}`);
      else byHand.push(commandFor(policy, address.vhost));
    }
    const { product, version } = connection.server ?? { product: 'RabbitMQ', version: '' };
    return {
      server: `${product} ${version}`,
      made,
      differences,
      byHand,
      notes: await probeBroker({ management, type, version }),
    };
  } finally {
    await connection.close();
  }
}

/** Names of what has to be there. */
export interface Needed {
  readonly queues: readonly string[];
  readonly exchanges: readonly string[];
}

/**
 * Looks whether the queues that a worker needs are there, without declaring any.
 *
 * @throws QueueUnavailable
 */
export async function checkTopology(
  address: RabbitmqAddress,
  needed: Needed,
): Promise<{
  /** Such as `RabbitMQ 3.10.8`. */
  readonly server: string;
  readonly version: string;
  readonly missing: readonly string[];
}> {
  const connection = createConnection(address, 'enrichment-check');
  const missing: string[] = [];
  try {
    /** What is missing closes its channel, so each is asked for on one of its own. */
    const look = async (name: string, check: (channel: Channel) => Promise<unknown>) => {
      const channel = await connection.channel();
      try {
        await within(check(channel), `RabbitMQ did not tell of ${name}`);
        await within(channel.close(), 'RabbitMQ did not close a channel');
      } catch (error) {
        if (!/NOT_FOUND/.test(String(error))) throw error;
        missing.push(name);
      }
    };
    for (const name of needed.queues) await look(name, (channel) => channel.checkQueue(name));
    for (const name of needed.exchanges) await look(name, (channel) => channel.checkExchange(name));
    const { product, version } = connection.server ?? { product: 'RabbitMQ', version: '' };
    return { server: `${product} ${version}`, version, missing };
  } finally {
    await connection.close();
  }
}

function commandFor({ name, pattern, definition }: PolicySpec, vhost: string): string {
  const where = vhost === '/' ? '' : ` -p '${vhost}'`;
  return `rabbitmqctl set_policy${where} --apply-to queues ${name} '${pattern}' '${JSON.stringify(definition)}'`;
}

/** What a worker of these lanes, and its publications, need. To a missing exchange brokers dead-letter into nothing. */
export function neededByWorkers(lanes: LaneQueues = laneQueues): Needed {
  const { queues } = topologyOf('classic', lanes);
  const [wait] = queues.filter(({ name }) => name.includes('_wait_'));
  return {
    queues: [...Object.values(lanes), deadLetterInbox, ...(wait === undefined ? [] : [wait.name])],
    exchanges: [deadLetterExchange],
  };
}
