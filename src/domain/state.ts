import type { Lookup, Outcome } from './answer.ts';
import type { Enriched, LeftOut } from './events.ts';
import type { Provider } from './provider.ts';
import type { TaskOrigin, TaskRequest } from './task.ts';

/** An outcome that stands in the stream and was not superseded. */
export interface RecordedOutcome {
  readonly taskId: string;
  readonly provider: Provider;
  readonly lookup: Lookup;
  readonly outcome: Outcome;
  readonly calledAt: string;
  readonly eventId: string;
  readonly revision: number;
}

/** What was decided about a hop. `dueAt` is when the next hop may come. */
export type HopDecision =
  | { readonly kind: 'deferred'; readonly hop: number; readonly dueAt: string }
  | { readonly kind: 'failed'; readonly hop: number; readonly dueAt: string };

export type TaskEnd =
  | { readonly kind: 'enriched'; readonly eventId: string; readonly leftOut: readonly LeftOut[] }
  | { readonly kind: 'failed'; readonly eventId: string; readonly leftOut: readonly LeftOut[] };

export interface TaskState {
  readonly taskId: string;
  readonly origin: TaskOrigin;
  readonly request: TaskRequest;
  readonly correlationId: string;
  readonly receivedEventId: string;
  /** Of its deliveries, the one that was recorded last. */
  readonly newestReceivedEventId: string;
  readonly receivedAt: string;
  /** The newest hop that was received, and how often it was delivered. */
  readonly hop: number;
  readonly deliveries: number;
  /** How many hops have failed. */
  readonly attempts: number;
  readonly outcomes: readonly RecordedOutcome[];
  /** The newest decision about a hop that did not end the task. */
  readonly decision: HopDecision | null;
  readonly end: TaskEnd | null;
  /** How often an operator had it replayed. */
  readonly replays: number;
}

/** Everything that decisions about a track need, folded from its stream. */
export interface TrackState {
  /** Of the newest event; -1 for a stream that does not exist. */
  readonly revision: number;
  readonly lastOccurredAt: string;
  readonly tasks: ReadonlyMap<string, TaskState>;
  /** The task that asked last, follow-ups and replays apart: its request is what answers are matched to. */
  readonly newestRequestTaskId: string | null;
  /** Every answer that found something, oldest first. */
  readonly found: readonly RecordedOutcome[];
  /** The newest snapshot. */
  readonly enriched: Enriched['data'] | null;
  readonly erased: { readonly taskIds: readonly string[] } | null;
}

export const emptyTrack: TrackState = {
  revision: -1,
  lastOccurredAt: '',
  tasks: new Map(),
  newestRequestTaskId: null,
  found: [],
  enriched: null,
  erased: null,
};

export type Standing = 'unknown' | 'open' | 'hop-decided' | 'finished' | 'erased';

/** Where a message with this task id, hop and origin stands: what its delivery has to do. */
export function standingOf(
  state: TrackState,
  message: { readonly taskId: string; readonly hop: number; readonly origin: TaskOrigin },
): Standing {
  const task = state.tasks.get(message.taskId);
  if (task === undefined) {
    if (state.erased === null) return 'unknown';
    const { origin } = message;
    // What follows from a task that came after the erasure is not late.
    const late = message.hop > 0 || (origin.kind !== 'request' && !state.tasks.has(origin.ofTaskId));
    return late || state.erased.taskIds.includes(message.taskId) ? 'erased' : 'unknown';
  }
  if (task.end !== null) return 'finished';
  if (task.decision !== null && task.decision.hop >= message.hop) return 'hop-decided';
  return 'open';
}
