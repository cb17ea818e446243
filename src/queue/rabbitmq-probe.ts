import type { Management } from './rabbitmq-management.ts';
import { type LaneQueues, laneQueues, type QueueType, topologyOf } from './topology.ts';

/**
 * What this broker cannot do, or does otherwise than one would think, one sentence each: by its version, its plugins,
 * and the policies that the work queues are under. What the management API would tell is left out where it does not
 * answer.
 */
export async function probeBroker(options: {
  readonly management: Management;
  readonly type: QueueType;
  readonly lanes?: LaneQueues;
  /** Such as `3.10.8`. */
  readonly version: string;
}): Promise<readonly string[]> {
  const { management, type, version, lanes = laneQueues } = options;
  const [plugins, policies] = await Promise.all([
    pluginNotes(management),
    policyNotes(management, type, lanes),
  ]);
  return [
    ...versionNotes(version),
    ...(type === 'quorum' ? quorumNotes(version) : []),
    ...plugins,
    ...policies,
  ];
}

function versionNotes(version: string): string[] {
  const { major, minor } = partsOf(version);
  if (major > 3 || (major === 3 && minor >= 10)) return [];
  return [
    `RabbitMQ ${version} is older than 3.10: waits need quorum queues with message TTL, which it lacks.`,
  ];
}

function quorumNotes(version: string): string[] {
  const { major, minor } = partsOf(version);
  const order =
    major < 4
      ? 'first in, first out: the priority of a message only chooses its queue'
      : major === 4 && minor < 3
        ? 'in two levels (0-4 and 5-10)'
        : 'strictly by priority';
  return [
    `Quorum queues of ${version} give messages ${order}.`,
    'Publishers that declare the queues themselves, as classic ones, are refused from now on.',
    ...(major < 4
      ? []
      : [
          `RabbitMQ ${version} gives up what came back 20 times, unless a policy sets another delivery-limit.`,
        ]),
  ];
}

/** The dashboards ask the broker itself how deep its queues are. */
async function pluginNotes(management: Management): Promise<string[]> {
  const listeners = await management.listeners();
  if (listeners === null || listeners.includes('http/prometheus')) return [];
  return [
    'The plugin rabbitmq_prometheus is off: dashboards of queue depth need "rabbitmq-plugins enable rabbitmq_prometheus".',
  ];
}

/** That of `queue init`, which counts from the moment it is set, or another one to the same end. */
async function policyNotes(management: Management, type: QueueType, lanes: LaneQueues): Promise<string[]> {
  const { policies } = topologyOf(type, lanes);
  const there = await Promise.all(policies.map(({ name }) => management.hasPolicy(name)));
  if (!there.includes(false)) return [];
  const names = Object.values(lanes);
  const queues = await Promise.all(names.map((name) => management.queue(name)));
  return queues.flatMap((queue, at) => {
    if (queue === null || queue.policy.overflow === 'reject-publish') return [];
    return `No policy has the queue ${names[at]} refuse messages when it is full, so it drops some that are there: run "queue init".`;
  });
}

function partsOf(version: string): { readonly major: number; readonly minor: number } {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return { major, minor };
}
