import { createHash } from 'node:crypto';
import type { ReceiveTask } from '../domain/decide.ts';
import type { LeftOut, TrackEvent } from '../domain/events.ts';
import type { Lane } from '../domain/priority.ts';
import { type Provider, providers } from '../domain/provider.ts';
import type { RetryPolicy } from '../domain/retry-policy.ts';
import { emptyTrack, standingOf, type TaskState } from '../domain/state.ts';
import { messageStream, trackStream } from '../domain/stream-names.ts';
import type { TaskOrigin, TaskRequest } from '../domain/task.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type ParsedTask, parseMessage } from '../queue/message.ts';
import type { Delivery, DeliveryHandler, TaskQueue } from '../queue/queue.ts';
import { type Asked, type Asking, type AskServices, askProvider } from './ask.ts';
import type { Intake } from './intake.ts';
import { publishConsequences } from './publish-consequences.ts';
import { createRecorder, loadTrack, type Recorder, StreamContested } from './recorder.ts';
import { createSerialLane } from './serial-lane.ts';

/** A task that waits for its providers is seen waiting after this long. */
const recordWaitingWithinMs = 1000;
/** A task whose stream stays contested waits this long and then reads. */
const contestedDelayMs = 1000;
const rawBodyCharsMax = 64 * 1024;

/** How long a task waits at a gate before it goes on without that provider. */
export interface Patience {
  readonly requestMs: number;
  readonly followUpMs: number;
}

/** Steps of one delivery, in order, as `onStep` names them. */
export type Step = 'parsed' | 'answered' | 'appending' | 'appended' | 'decided' | 'published';

export interface HandlerOptions extends AskServices {
  readonly ledger: Ledger;
  readonly queue: TaskQueue;
  readonly intake: Intake;
  readonly policy: RetryPolicy;
  readonly patience: Patience;
  readonly random: () => number;
  /**
   * True: the stream of a first delivery is assumed to be new and not read. False where any message may have been
   * worked on by an earlier process: then an open task counts as delivered again.
   */
  readonly assumeNew: boolean;
  readonly observer: WorkerObserver;
}

/** What the worker tells those who count, log and wait. */
export interface WorkerObserver {
  taskStarted(taskId: string): void;
  appended(stream: string, events: readonly TrackEvent[]): void;
  followUpPublished(provider: Provider, published: 'confirmed' | 'refused'): void;
  /** The delivery's work is done; `task` is null for what could not be read, or was erased. */
  settled(taskId: string, task: TaskState | null, worked: boolean): void;
  /** For tests that cut a worker off at a step; `events` are those of an append. */
  onStep?(step: Step, events: readonly TrackEvent[]): void;
}

/** No provider is left that takes our credentials: the worker can take no more tasks. */
export class NoProviderLeft extends Error {
  override readonly name = 'NoProviderLeft';
}

/** One delivery, as life-of-a-task has it: parse, look, ask, record, decide, publish what follows. */
export function createHandler(options: HandlerOptions): DeliveryHandler {
  const oneAtATime = createSerialLane();

  return async (delivery) => {
    const { message } = delivery;
    const parsed = parseMessage(message);
    options.observer.onStep?.('parsed', []);
    if (parsed.kind === 'unreadable') return recordUnreadable(options, delivery, parsed);
    if (message.id === '') {
      await options.queue.publish({ ...message, id: options.newId() });
      return;
    }
    options.observer.taskStarted(message.id);
    const work = () => workOn(options, delivery, parsed);
    try {
      if (await suspicious(options, delivery, parsed)) await oneAtATime(work);
      else await work();
    } catch (error) {
      if (!(error instanceof StreamContested)) throw error;
      await options.queue.publish(message, { delayMs: contestedDelayMs });
    }
  };
}

/** A message that may have stopped its worker before is worked alone, so that the culprit is known. */
async function suspicious(options: HandlerOptions, delivery: Delivery, parsed: ParsedTask): Promise<boolean> {
  if (delivery.redelivered) return true;
  if (options.assumeNew) return false;
  const state = await loadTrack(options.ledger, trackStream(parsed.request.trackId));
  const { id: taskId, hop } = delivery.message;
  return standingOf(state, { taskId, hop, origin: parsed.origin }) === 'open';
}

async function workOn(options: HandlerOptions, delivery: Delivery, parsed: ParsedTask): Promise<void> {
  const { ledger, observer, newId, now, policy } = options;
  const { message } = delivery;
  const { request, origin } = parsed;
  const stream = trackStream(request.trackId);
  const first =
    message.hop === 0 && !delivery.redelivered && origin.kind === 'request' && !request.forceRefresh;
  const state = options.assumeNew && first ? emptyTrack : await loadTrack(ledger, stream);
  const recorder = createRecorder({
    ledger,
    stream,
    state,
    onAppending: (events) => observer.onStep?.('appending', events),
    onAppended: (events) => {
      observer.appended(stream, events);
      observer.onStep?.('appended', events);
    },
  });
  const standing = standingOf(state, { taskId: message.id, hop: message.hop, origin });
  let worked = false;
  if (standing === 'unknown' || standing === 'open') {
    worked = true;
    const known = state.tasks.get(message.id);
    const deliveredAgain = delivery.redelivered || (standing === 'open' && known?.hop === message.hop);
    await workHop(
      options,
      recorder,
      {
        eventId: newId(),
        at: new Date(now()).toISOString(),
        taskId: message.id,
        hop: message.hop,
        correlationId: parsed.correlationId ?? message.id,
        causationId: message.causationId,
        traceparent: null,
        type: 'ReceiveTask',
        request,
        origin,
        deliveredAgain,
        policy,
      },
      message.lane,
    );
    observer.onStep?.('decided', []);
  }
  const task = recorder.state.tasks.get(message.id) ?? null;
  if (task !== null) {
    const services = { ...options, onFollowUp: observer.followUpPublished };
    await publishConsequences(stream, recorder.state, task, message, services);
    observer.onStep?.('published', []);
  }
  observer.settled(message.id, task, worked);
}

async function workHop(
  options: HandlerOptions,
  recorder: Recorder,
  receive: ReceiveTask,
  lane: Lane,
): Promise<void> {
  const { intake, credentials, clients, newId, now, random, policy, observer } = options;
  const { taskId, hop, correlationId, origin } = receive;
  const context = () => ({
    eventId: newId(),
    at: new Date(now()).toISOString(),
    taskId,
    hop,
    correlationId,
    causationId: receive.eventId,
    traceparent: null,
  });
  const wanted = origin.kind === 'follow-up' ? [origin.provider] : providers;
  const needed = wanted.filter((provider) => clients[provider] !== undefined && credentials.usable(provider));
  const entry = await intake.enter(needed);
  let result: 'served' | 'deferred' = 'served';
  try {
    const received = recorder.record(receive, receive.deliveredAgain ? 0 : recordWaitingWithinMs);
    received.catch(() => undefined);
    if (receive.deliveredAgain) {
      await received;
      if (recorder.state.tasks.get(taskId)?.end != null) return;
    }
    const bornAt = receive.request.queuedAt ?? recorder.state.tasks.get(taskId)?.receivedAt ?? receive.at;
    if (now() - Date.parse(bornAt) > policy.ageMsMax) {
      const message = `The task is older than ${policy.ageMsMax / 86_400_000} days.`;
      const leftOut: LeftOut[] = [];
      await recorder.record(
        { ...context(), type: 'GiveUp', reason: 'too_old', message, leftOut, rawBody: null },
        0,
      );
      return;
    }
    const asked = await Promise.all(
      needed.map((provider) =>
        askProvider(
          provider,
          askingOf(options, recorder, receive, provider, lane, context, entry.asked),
          options,
        ),
      ),
    );
    observer.onStep?.('answered', []);
    const accepted = needed.filter((_, index) => asked[index]?.kind !== 'unauthorised');
    const leftOut = asked.flatMap((one): LeftOut[] => (one.kind === 'left-out' ? [one.leftOut] : []));
    await recorder.record(
      { ...context(), type: 'CompleteHop', needed: accepted, leftOut, policy, random: random() },
      0,
    );
    if (allWaiting(accepted, asked)) result = 'deferred';
  } finally {
    entry.leave(result);
  }
  if (standingOf(recorder.state, receive) === 'open') {
    throw new NoProviderLeft('No provider takes our credentials: check the keys and start again.');
  }
}

function allWaiting(needed: readonly Provider[], asked: readonly Asked[]): boolean {
  const waiting = asked.filter((one) => one.kind === 'left-out' && one.leftOut.cause === 'waiting');
  return needed.length > 0 && waiting.length >= needed.length;
}

function askingOf(
  options: HandlerOptions,
  recorder: Recorder,
  { request, taskId, origin }: { request: TaskRequest; taskId: string; origin: TaskOrigin },
  provider: Provider,
  lane: Lane,
  context: () => Omit<ReceiveTask, 'type' | 'request' | 'origin' | 'deliveredAgain' | 'policy'>,
  onAsked: () => void,
): Asking {
  const { patience } = options;
  const recorded = recorder.state.tasks.get(taskId)?.outcomes ?? [];
  return {
    request,
    lane,
    patienceMs: origin.kind === 'follow-up' ? patience.followUpMs : patience.requestMs,
    outcomes: recorded.filter((one) => one.provider === provider),
    onAsked,
    async recordCall(eventId, call, withinMs) {
      const event = await recorder.record({ ...context(), eventId, type: 'RecordCall', call }, withinMs);
      return event?.type === 'ApiCalled' && !event.data.superseded ? 'recorded' : 'superseded';
    },
    recordCacheHit(shared, via) {
      recorder
        .record({ ...context(), type: 'RecordCacheHit', shared, via }, recordWaitingWithinMs)
        .catch(() => undefined);
    },
  };
}

/** What cannot be read is a fact too: its raw body goes to a stream of its own. */
async function recordUnreadable(
  options: HandlerOptions,
  { message }: Delivery,
  unreadable: { readonly reason: 'unreadable' | 'oversized'; readonly message: string },
): Promise<void> {
  const stream = messageStream(createHash('sha256').update(message.body).digest('hex'));
  const taskId = message.id === '' ? stream : message.id;
  const state = await loadTrack(options.ledger, stream);
  if (state.revision < 0) {
    const onAppended = (events: readonly TrackEvent[]) => options.observer.appended(stream, events);
    const recorder = createRecorder({ ledger: options.ledger, stream, state, onAppended });
    await recorder.record(
      {
        type: 'GiveUp',
        eventId: options.newId(),
        at: new Date(options.now()).toISOString(),
        taskId,
        hop: message.hop,
        correlationId: taskId,
        causationId: message.causationId,
        traceparent: null,
        reason: unreadable.reason,
        message: unreadable.message,
        leftOut: [],
        rawBody: message.body.slice(0, rawBodyCharsMax),
      },
      0,
    );
  }
  options.observer.settled(taskId, null, true);
}
