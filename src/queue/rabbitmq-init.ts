import type { Channel } from 'amqplib';
import { createConnection, QueueUnavailable, type RabbitmqAddress, within } from './rabbitmq-connection.ts';
import { createManagement } from './rabbitmq-management.ts';
import { laneQueues, type PolicySpec, type QueueSpec, type QueueType, topologyOf } from './topology.ts';

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
  const { exchanges, queues, bindings, policies } = topologyOf(type);
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
      ).catch((error: unknown) => void differences.push(differenceOf(`exchange ${name}`, error)));
    }
    for (const queue of queues) {
      await declare(`queue ${queue.name}`, (channel) =>
        channel.assertQueue(queue.name, { durable: true, arguments: queue.arguments }),
      ).catch(async (error: unknown) => {
        const found = await management.queueArguments(queue.name);
        differences.push(
          ...(found === null ? [differenceOf(`queue ${queue.name}`, error)] : differencesOf(queue, found)),
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
      notes: [...notesOn(type, version), ...pluginNotes(await management.listeners())],
    };
  } finally {
    await connection.close();
  }
}

/**
 * Looks whether the queues that a worker needs are there, without declaring any.
 *
 * @throws QueueUnavailable
 */
export async function checkTopology(
  address: RabbitmqAddress,
  needed: readonly string[],
): Promise<{
  readonly server: string;
  readonly missing: readonly string[];
  readonly depths: ReadonlyMap<string, number>;
}> {
  const connection = createConnection(address, 'enrichment-check');
  const missing: string[] = [];
  const depths = new Map<string, number>();
  try {
    for (const queue of needed) {
      const channel = await connection.channel();
      try {
        const { messageCount } = await within(channel.checkQueue(queue), `RabbitMQ did not tell of ${queue}`);
        depths.set(queue, messageCount);
        await within(channel.close(), 'RabbitMQ did not close a channel');
      } catch (error) {
        if (!/NOT_FOUND/.test(String(error))) throw error;
        missing.push(queue);
      }
    }
    const { product, version } = connection.server ?? { product: 'RabbitMQ', version: '' };
    return { server: `${product} ${version}`, missing, depths };
  } finally {
    await connection.close();
  }
}

/** Whatever differs, argument by argument. */
function differencesOf(
  { name, arguments: wanted }: QueueSpec,
  found: Readonly<Record<string, unknown>>,
): string[] {
  const all = { 'x-queue-type': 'classic', ...wanted };
  const have: Readonly<Record<string, unknown>> = { 'x-queue-type': 'classic', ...found };
  const names = [...new Set([...Object.keys(all), ...Object.keys(have)])];
  const differing = names.filter((one) => (all as Record<string, unknown>)[one] !== have[one]);
  return differing.map((one) => {
    const [is, should] = [have[one], (all as Record<string, unknown>)[one]];
    return `The queue ${name} has ${one} ${said(is)}, and ${said(should)} is wanted: ${remedy(name)}`;
  });
}

function said(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}

function remedy(name: string): string {
  return `stop its users, empty it (the messages would be lost) and delete it with "rabbitmqctl delete_queue ${name}", then run "queue init" again.`;
}

/** From the broker's own words, which name the first argument that differs. */
function differenceOf(what: string, error: unknown): string {
  if (error instanceof QueueUnavailable) throw error;
  const text = error instanceof Error ? error.message : String(error);
  const [, argument, wanted, found] =
    /inequivalent arg '([^']+)' for .*: received (?:the value )?(.+?) (?:of type '\w+' )?but current is (?:the value )?(.+?)(?: of type '\w+')?"?$/m.exec(
      text,
    ) ?? [];
  if (argument === undefined) throw error;
  const name = what.split(' ')[1] ?? what;
  return `The ${what} has ${argument} ${found}, and ${wanted} is wanted: ${remedy(name)}`;
}

function commandFor({ name, pattern, definition }: PolicySpec, vhost: string): string {
  const where = vhost === '/' ? '' : ` -p '${vhost}'`;
  return `rabbitmqctl set_policy${where} --apply-to queues ${name} '${pattern}' '${JSON.stringify(definition)}'`;
}

function notesOn(type: QueueType, version: string): string[] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const notes: string[] = [];
  if (type === 'quorum') {
    const order =
      major < 4
        ? 'first in, first out: the priority of a message only chooses its queue'
        : minor < 3 && major === 4
          ? 'in two levels (0-4 and 5-10)'
          : 'strictly by priority';
    notes.push(
      `Quorum queues of ${version} give messages ${order}.`,
      'Publishers that declare the queues themselves, as classic ones, are refused from now on.',
    );
    if (major >= 4)
      notes.push(
        `RabbitMQ ${version} gives up what came back 20 times, unless a policy sets another delivery-limit.`,
      );
  }
  if (major < 3 || (major === 3 && minor < 10)) {
    notes.push(
      `RabbitMQ ${version} is older than 3.10: waits need quorum queues with message TTL, which it lacks.`,
    );
  }
  return notes;
}

/** The dashboards ask the broker itself how deep its queues are. */
function pluginNotes(listeners: readonly string[] | null): string[] {
  if (listeners === null || listeners.includes('http/prometheus')) return [];
  return [
    'The plugin rabbitmq_prometheus is off: dashboards of queue depth need "rabbitmq-plugins enable rabbitmq_prometheus".',
  ];
}

/** What a worker of these lanes, and its publications, need. */
export function neededQueues(): readonly string[] {
  const { queues } = topologyOf('classic');
  const [wait] = queues.filter(({ name }) => name.includes('_wait_'));
  return [
    ...Object.values(laneQueues),
    ...queues.map(({ name }) => name).filter((name) => name.includes('inbox')),
    ...(wait === undefined ? [] : [wait.name]),
  ];
}
