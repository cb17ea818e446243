import { isDeepStrictEqual } from 'node:util';
import type { ReceiveTask } from '../domain/decide.ts';
import { emptyTrack, standingOf, type TaskState, type TrackState } from '../domain/state.ts';
import { trackStream } from '../domain/stream-names.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type ParsedTask, parseMessage } from '../queue/message.ts';
import type { Delivery, DeliveryHandler, TaskMessage, TaskQueue } from '../queue/queue.ts';
import { type ConsequenceServices, publishConsequences } from './publish-consequences.ts';
import { publishSurely } from './publish-surely.ts';
import { createRecorder, loadTrack, type Recorder, StreamContested } from './recorder.ts';
import { createSerialLane } from './serial-lane.ts';
import { recordUnreadable } from './unreadable.ts';
import { type HopServices, workHop } from './work-hop.ts';
import { harmless, type WorkerObserver } from './worker-observer.ts';

/** A task whose stream stays contested waits this long and then reads. */
const contestedDelayMs = 1000;

export interface HandlerOptions extends Omit<HopServices, 'onAnswered'> {
  readonly ledger: Ledger;
  readonly queue: TaskQueue;
  /**
   * True: the stream of a first delivery is assumed to be new and not read. False where any message may have been
   * worked on by an earlier process: then an open task counts as delivered again.
   */
  readonly assumeNew: boolean;
  readonly observer: WorkerObserver;
}

/** No provider is left that takes our credentials: the worker can take no more tasks. */
export class NoProviderLeft extends Error {
  override readonly name = 'NoProviderLeft';
}

/** Made once for all deliveries. */
interface Services extends HandlerOptions, HopServices, ConsequenceServices {
  readonly observer: Required<WorkerObserver>;
}

/** One delivery, as life-of-a-task has it: parse, look, ask, record, decide, publish what follows. */
export function createHandler(options: HandlerOptions): DeliveryHandler {
  const observer = harmless(options.observer);
  const services: Services = {
    ...options,
    observer,
    onAnswered: () => observer.onStep('answered', []),
    onFollowUp: observer.followUpPublished,
  };
  const { newId } = services;
  const oneAtATime = createSerialLane();

  return async (delivery) => {
    const { message } = delivery;
    const parsed = parseMessage(message);
    observer.onStep('parsed', []);
    if (parsed.kind === 'unreadable') {
      const onAppended: typeof observer.appended = (stream, events) => {
        observer.appended(stream, events);
        observer.onStep('appended', events);
      };
      const taskId = await recordUnreadable(message, parsed, { ...services, onAppended });
      observer.settled(taskId, null, true);
      return;
    }
    if (message.id === '') {
      await publishSurely({ ...message, id: newId() }, 0, services);
      observer.onStep('published', []);
      return;
    }
    observer.taskStarted(message.id);
    const work = () => workOn(services, delivery, parsed);
    try {
      if (await isSuspect(services, delivery, parsed)) await oneAtATime(work);
      else await work();
    } catch (error) {
      if (!(error instanceof StreamContested)) throw error;
      await publishSurely(message, contestedDelayMs, services);
    }
  };
}

/** A message that may have stopped its worker before is worked alone, so that the culprit is known. */
async function isSuspect(
  { ledger, assumeNew }: Services,
  { message, redelivered }: Delivery,
  { request, origin }: ParsedTask,
): Promise<boolean> {
  if (redelivered) return true;
  if (assumeNew) return false;
  const state = await loadTrack(ledger, trackStream(request.trackId));
  const { id: taskId, hop } = message;
  return standingOf(state, { taskId, hop, origin }) === 'open' && wasReceived(state, message);
}

function wasReceived(state: TrackState, { id, hop }: TaskMessage): boolean {
  return state.tasks.get(id)?.hop === hop;
}

async function workOn(services: Services, delivery: Delivery, parsed: ParsedTask): Promise<void> {
  const { ledger, observer } = services;
  const { message } = delivery;
  const stream = trackStream(parsed.request.trackId);
  const state = looksNew(services, delivery, parsed) ? emptyTrack : await loadTrack(ledger, stream);
  const recorder = createRecorder({
    ledger,
    stream,
    state,
    onAppending: (events) => observer.onStep('appending', events),
    onAppended: (events) => {
      observer.appended(stream, events);
      observer.onStep('appended', events);
    },
  });
  const { id: taskId, hop } = message;
  const standing = standingOf(state, { taskId, hop, origin: parsed.origin });
  const worked = standing === 'unknown' || standing === 'open';
  if (worked) await decideHop(services, recorder, delivery, parsed);
  const task = recorder.state.tasks.get(taskId) ?? null;
  if (task !== null) {
    if (!isSameRequest(task.request, parsed.request)) observer.otherBody(taskId, stream);
    await publishConsequences(stream, recorder.state, task, message, services);
    observer.onStep('published', []);
  }
  observer.settled(taskId, task, worked);
}

/** A publisher that repeats itself says another time. */
function isSameRequest(one: TaskState['request'], other: TaskState['request']): boolean {
  if (one === other) return true;
  return isDeepStrictEqual({ ...one, queuedAt: null }, { ...other, queuedAt: null });
}

function looksNew({ assumeNew }: Services, { message, redelivered }: Delivery, parsed: ParsedTask): boolean {
  const first = message.hop === 0 && !redelivered;
  return assumeNew && first && parsed.origin.kind === 'request' && !parsed.request.forceRefresh;
}

async function decideHop(
  services: Services,
  recorder: Recorder,
  { message, redelivered }: Delivery,
  parsed: ParsedTask,
): Promise<void> {
  const { observer, newId, now, policy } = services;
  const known = recorder.state.tasks.get(message.id);
  // Of two bodies under one task id, the one that was received first counts.
  const { request, origin }: Pick<TaskState, 'request' | 'origin'> = known ?? parsed;
  const receive: ReceiveTask = {
    type: 'ReceiveTask',
    eventId: newId(),
    at: new Date(now()).toISOString(),
    taskId: message.id,
    hop: message.hop,
    correlationId: known?.correlationId ?? parsed.correlationId ?? message.id,
    causationId: message.causationId,
    traceparent: null,
    request,
    origin,
    deliveredAgain: redelivered || wasReceived(recorder.state, message),
    policy,
  };
  await workHop(recorder, receive, message.lane, services);
  if (standingOf(recorder.state, receive) === 'open') {
    throw new NoProviderLeft('No provider takes our credentials: check the keys and start again.');
  }
  observer.onStep('decided', []);
}
