import type { ReceiveTask } from '../domain/decide.ts';
import type { TrackEvent } from '../domain/events.ts';
import type { RetryPolicy } from '../domain/retry-policy.ts';
import { standingOf } from '../domain/state.ts';
import { trackStream } from '../domain/stream-names.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type ParsedTask, parseMessage } from '../queue/message.ts';
import type { DeadLetter, DeadLetterHandler, TaskQueue } from '../queue/queue.ts';
import { publishConsequences } from './publish-consequences.ts';
import { createRecorder, loadTrack } from './recorder.ts';
import { recordUnreadable } from './unreadable.ts';
import { harmless, type WorkerObserver } from './worker-observer.ts';

export interface DeadLetterServices {
  readonly ledger: Ledger;
  readonly queue: TaskQueue;
  readonly policy: RetryPolicy;
  readonly observer: WorkerObserver;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly newId: () => string;
}

const sentences: Readonly<Record<DeadLetter['reason'], string>> = {
  expired: 'The message lay in its queue for longer than it may.',
  overflow: 'The queue was full and dropped the message.',
  delivery_limit: 'Every delivery of the message failed.',
};

/**
 * Turns what the queue gave up by itself into facts: an undecided task ends as a final `Failed` with that reason;
 * of a decided hop the consequence is repeated, as every delivery does.
 */
export function createDeadLetterHandler(services: DeadLetterServices): DeadLetterHandler {
  const { ledger, newId, now } = services;
  const observer = harmless(services.observer);
  return async ({ message, reason }) => {
    const parsed = parseMessage(message);
    const onAppended: typeof observer.appended = (stream, events) => {
      observer.appended(stream, events);
      observer.onStep('appended', events);
    };
    if (parsed.kind === 'unreadable') {
      await recordUnreadable(message, parsed, { ledger, now, newId, onAppended });
      return;
    }
    const stream = trackStream(parsed.request.trackId);
    const taskId = message.id === '' ? newId() : message.id;
    const state = await loadTrack(ledger, stream);
    const standing = standingOf(state, { taskId, hop: message.hop, origin: parsed.origin });
    if (standing === 'erased') return;
    const recorder = createRecorder({
      ledger,
      stream,
      state,
      onAppended: (events: readonly TrackEvent[]) => onAppended(stream, events),
    });
    if (standing === 'unknown' || standing === 'open') {
      const receive = receiveOf(taskId, message.hop, message.causationId, parsed);
      // Both go with one append: a task is not known as received before it is known as failed.
      const received = recorder.record(receive, 0);
      const gaveUp = recorder.record(
        {
          ...receive,
          type: 'GiveUp',
          eventId: newId(),
          causationId: receive.eventId,
          reason,
          message: sentences[reason],
          leftOut: [],
          rawBody: null,
        },
        0,
      );
      await Promise.all([received, gaveUp]);
    }
    const task = recorder.state.tasks.get(taskId);
    if (task === undefined) return;
    const onFollowUp = observer.followUpPublished;
    await publishConsequences(stream, recorder.state, task, message, { ...services, onFollowUp });
  };

  function receiveOf(
    taskId: string,
    hop: number,
    causationId: string | null,
    { request, origin, correlationId }: ParsedTask,
  ): ReceiveTask {
    return {
      type: 'ReceiveTask',
      eventId: newId(),
      at: new Date(now()).toISOString(),
      taskId,
      hop,
      correlationId: correlationId ?? taskId,
      causationId,
      traceparent: null,
      request,
      origin,
      deliveredAgain: false,
      policy: services.policy,
    };
  }
}
