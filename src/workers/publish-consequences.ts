import { consequencesOf } from '../domain/consequence.ts';
import { type Lane, lowestPriority } from '../domain/priority.ts';
import type { Provider } from '../domain/provider.ts';
import type { TaskState, TrackState } from '../domain/state.ts';
import { encodeMessage } from '../queue/message.ts';
import type { TaskMessage, TaskQueue } from '../queue/queue.ts';
import { followUpTaskId } from '../queue/task-id.ts';
import { publishSurely } from './publish-surely.ts';

export interface ConsequenceServices {
  readonly queue: TaskQueue;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly onFollowUp: (provider: Provider, published: 'confirmed' | 'refused') => void;
}

/**
 * Publishes what follows from a decided hop, confirmed. It is repeated by every delivery of that hop: the ids are
 * the same, so that is harmless. A follow-up that the queue refuses stands in the ledger and may be left there; a
 * next hop may not.
 *
 * @throws Error when the queue refuses the next hop for too long; the message then has to come again
 */
export async function publishConsequences(
  stream: string,
  state: TrackState,
  task: TaskState,
  came: { readonly lane: Lane; readonly priority: number },
  { queue, now, sleep, onFollowUp }: ConsequenceServices,
): Promise<void> {
  for (const consequence of consequencesOf(task)) {
    const delayMs = Math.max(0, Date.parse(consequence.dueAt) - now());
    if (consequence.kind === 'follow-up') {
      const { provider } = consequence;
      const id = followUpTaskId(stream, task.taskId, provider);
      const known = state.tasks.get(id);
      // It was taken up already, and what a worker holds is not published twice.
      if (known?.end != null) continue;
      const message = followUpMessage(id, task, provider);
      onFollowUp(provider, await queue.publish(message, { delayMs }));
      continue;
    }
    const message = nextHopMessage(task, consequence.hop, came);
    await publishSurely(message, delayMs, { queue, sleep });
  }
}

function followUpMessage(id: string, task: TaskState, provider: Provider): TaskMessage {
  const origin = { kind: 'follow-up', ofTaskId: task.taskId, provider } as const;
  const request = { ...task.request, priority: lowestPriority };
  return {
    id,
    lane: 'backlog',
    priority: lowestPriority,
    hop: 0,
    body: encodeMessage(request, origin, task.correlationId),
    causationId: task.end?.eventId ?? null,
  };
}

function nextHopMessage(task: TaskState, hop: number, came: { lane: Lane; priority: number }): TaskMessage {
  return {
    id: task.taskId,
    lane: came.lane,
    priority: came.priority,
    hop,
    body: encodeMessage(task.request, task.origin, task.correlationId),
    causationId: task.receivedEventId,
  };
}
