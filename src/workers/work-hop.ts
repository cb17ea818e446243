import { isAnswer } from '../domain/answer.ts';
import type { ReceiveTask } from '../domain/decide.ts';
import type { LeftOut } from '../domain/events.ts';
import { lookupKey } from '../domain/lookup.ts';
import type { Lane } from '../domain/priority.ts';
import { type Provider, providers } from '../domain/provider.ts';
import type { RetryPolicy } from '../domain/retry-policy.ts';
import type { RecordedOutcome } from '../domain/state.ts';
import { type Asked, type Asking, type AskServices, askProvider } from './ask.ts';
import type { Intake } from './intake.ts';
import type { Recorder } from './recorder.ts';

/** A task that waits for its providers is seen waiting after this long. */
const recordWaitingWithinMs = 1000;

/** How long a task waits at a gate before it goes on without that provider. */
export interface Patience {
  readonly requestMs: number;
  readonly followUpMs: number;
}

export interface HopServices extends AskServices {
  readonly intake: Intake;
  readonly policy: RetryPolicy;
  readonly patience: Patience;
  readonly random: () => number;
  /** Every needed provider has said what it says. */
  readonly onAnswered: () => void;
}

/**
 * Receives a hop, asks the providers that it needs and has decided what follows. The hop stays open only where no
 * provider is left that takes our credentials.
 */
export async function workHop(
  recorder: Recorder,
  receive: ReceiveTask,
  lane: Lane,
  services: HopServices,
): Promise<void> {
  const { intake, credentials, clients, now, random, policy } = services;
  const { origin } = receive;
  const context = contextOf(receive, services);
  const wanted = origin.kind === 'follow-up' ? [origin.provider] : providers;
  const needed = wanted.filter((provider) => clients[provider] !== undefined && credentials.usable(provider));
  const entry = await intake.enter(needed);
  let result: 'served' | 'deferred' = 'served';
  try {
    const received = recorder.record(receive, receive.deliveredAgain ? 0 : recordWaitingWithinMs);
    received.catch(() => undefined);
    if (receive.deliveredAgain) {
      await received;
      const task = recorder.state.tasks.get(receive.taskId);
      if (task?.end != null) return;
      await fillCache(task?.outcomes ?? [], services);
    }
    if (isTooOld(recorder, receive, now())) {
      const message = `The task is older than ${policy.ageMsMax / 86_400_000} days.`;
      const nothing = { leftOut: [], rawBody: null };
      await recorder.record({ ...context(), type: 'GiveUp', reason: 'too_old', message, ...nothing }, 0);
      return;
    }
    const asking = { recorder, receive, lane, context, onAsked: entry.asked, services };
    const asked = await Promise.all(
      needed.map((provider) => askProvider(provider, askingOf(provider, asking), services)),
    );
    services.onAnswered();
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
}

/** Who was cut off after its call was recorded may not have come to this. */
async function fillCache(outcomes: readonly RecordedOutcome[], { cache }: HopServices): Promise<void> {
  for (const { provider, lookup, outcome: answer, calledAt, eventId } of outcomes) {
    const key = lookupKey(provider, lookup);
    if (!isAnswer(answer) || (await cache.get(key)) !== null) continue;
    await cache.set(key, { provider, lookup, answer, calledAt, eventId });
  }
}

/** What every command of this hop carries, with an id and a time of its own. */
function contextOf(receive: ReceiveTask, { newId, now }: HopServices) {
  const { taskId, hop, correlationId, eventId: causationId } = receive;
  return () => ({
    eventId: newId(),
    at: new Date(now()).toISOString(),
    taskId,
    hop,
    correlationId,
    causationId,
    traceparent: null,
  });
}

function isTooOld(recorder: Recorder, { taskId, request, at, policy }: ReceiveTask, nowMs: number): boolean {
  const bornAt = request.queuedAt ?? recorder.state.tasks.get(taskId)?.receivedAt ?? at;
  return nowMs - Date.parse(bornAt) > policy.ageMsMax;
}

function allWaiting(needed: readonly Provider[], asked: readonly Asked[]): boolean {
  const waiting = asked.filter((one) => one.kind === 'left-out' && one.leftOut.cause === 'waiting');
  return needed.length > 0 && waiting.length >= needed.length;
}

function askingOf(
  provider: Provider,
  {
    recorder,
    receive: { request, taskId, origin },
    lane,
    context,
    onAsked,
    services: { patience },
  }: {
    readonly recorder: Recorder;
    readonly receive: ReceiveTask;
    readonly lane: Lane;
    readonly context: ReturnType<typeof contextOf>;
    readonly onAsked: () => void;
    readonly services: HopServices;
  },
): Asking {
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
