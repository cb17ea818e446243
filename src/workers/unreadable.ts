import { createHash } from 'node:crypto';
import type { TrackEvent } from '../domain/events.ts';
import { messageStream } from '../domain/stream-names.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { bodyBytesMax, type UnreadableMessage } from '../queue/message.ts';
import type { TaskMessage } from '../queue/queue.ts';
import { createRecorder, loadTrack } from './recorder.ts';

export interface UnreadableServices {
  readonly ledger: Ledger;
  readonly now: () => number;
  readonly newId: () => string;
  readonly onAppended: (stream: string, events: readonly TrackEvent[]) => void;
}

/**
 * What cannot be read is a fact too: its raw body, as much of it as a message may have, goes to a stream of its own.
 *
 * @returns the task id that it stands under: that of the message, else its stream's name
 */
export async function recordUnreadable(
  message: TaskMessage,
  unreadable: UnreadableMessage,
  { ledger, now, newId, onAppended }: UnreadableServices,
): Promise<string> {
  const stream = messageStream(createHash('sha256').update(message.body).digest('hex'));
  const taskId = message.id === '' ? stream : message.id;
  const state = await loadTrack(ledger, stream);
  if (state.revision >= 0) return taskId;
  const recorder = createRecorder({
    ledger,
    stream,
    state,
    onAppended: (events) => onAppended(stream, events),
  });
  await recorder.record(
    {
      type: 'GiveUp',
      eventId: newId(),
      at: new Date(now()).toISOString(),
      taskId,
      hop: message.hop,
      correlationId: taskId,
      causationId: message.causationId,
      traceparent: null,
      reason: unreadable.reason,
      message: unreadable.message,
      leftOut: [],
      rawBody: startOf(message.body),
    },
    0,
  );
  return taskId;
}

/** Cut by bytes, without half a character at the end. */
function startOf(body: string): string {
  const bytes = Buffer.from(body).subarray(0, bodyBytesMax);
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true });
}
