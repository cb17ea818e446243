import { isAnswer, type SharedAnswer } from '../../src/domain/answer.ts';
import type { RecordedTrackEvent, TrackEvent } from '../../src/domain/events.ts';
import { replay } from '../../src/domain/evolve.ts';
import { lookupKey } from '../../src/domain/lookup.ts';
import type { TrackState } from '../../src/domain/state.ts';
import type { TaskRequest } from '../../src/domain/task.ts';
import {
  deliver,
  type ModelMessage,
  type Providers,
  type WorkerHabits,
  type WorkerStep,
} from './worker-model.ts';

/** Steps after which a world that has not come to rest never will. */
const stepsMax = 20_000;

export interface TrackWorld {
  readonly providers: Providers;
  readonly cache: ReadonlyMap<string, SharedAnswer>;
  readonly events: readonly RecordedTrackEvent[];
  /** How many messages were published so far. */
  readonly published: number;
  /** How often a provider was called. */
  readonly calls: number;
  readonly nowMs: number;
  /** A fresh event id, the clock, and what else every command carries. */
  context(): {
    readonly eventId: string;
    readonly at: string;
    readonly causationId: null;
    readonly traceparent: null;
  };
  read(): TrackState;
  /** True: the events stand at this place. False: others do. */
  append(expectedRevision: number, events: readonly TrackEvent[]): boolean;
  publish(message: Omit<ModelMessage, 'number' | 'redelivered'>): void;
  /** Lets this worker take one step, or the next message; null: there is nothing to do for it. */
  step(worker: number): WorkerStep | 'took' | 'acked' | null;
  /** The worker dies; its message is delivered again. */
  kill(worker: number): void;
  /** The broker delivers the worker's message again, although it lives. */
  timeOut(worker: number): void;
  /** Lets all workers go on until nothing is left to do. */
  settle(): void;
}

interface Busy {
  readonly message: ModelMessage;
  readonly steps: Generator<WorkerStep, void>;
  owns: boolean;
}

/** One track with its stream, its messages and two workers, in memory; nothing happens but what a test lets happen. */
export function createTrackWorld(providers: Providers, habits: WorkerHabits): TrackWorld {
  const events: RecordedTrackEvent[] = [];
  const cache = new Map<string, SharedAnswer>();
  const messages: ModelMessage[] = [];
  const busy = new Map<number, Busy>();
  let nowMs = Date.parse('2026-01-01T00:00:00.000Z');
  let made = 0;
  let published = 0;
  let calls = 0;

  const world: TrackWorld = {
    providers,
    cache,
    events,
    get published() {
      return published;
    },
    get calls() {
      return calls;
    },
    get nowMs() {
      return nowMs;
    },
    context: () => ({
      eventId: `event-${made++}`,
      at: new Date(nowMs).toISOString(),
      causationId: null,
      traceparent: null,
    }),
    read: () => replay(events),
    append(expectedRevision, appended) {
      const at = expectedRevision + 1;
      if (at < events.length) return appended.every(({ id }, index) => events[at + index]?.event.id === id);
      for (const event of appended) {
        // What a ledger gives back is a copy.
        events.push({ event: JSON.parse(JSON.stringify(event)), revision: events.length });
        keep(event);
      }
      return true;
    },
    publish(message) {
      messages.push({ ...message, redelivered: false, number: published++ });
    },
    step(worker) {
      const held = busy.get(worker);
      if (held === undefined) return take(worker);
      const { done, value } = held.steps.next();
      if (value === 'called') calls += 1;
      if (done !== true) return value;
      busy.delete(worker);
      return 'acked';
    },
    kill(worker) {
      world.timeOut(worker);
      busy.delete(worker);
    },
    timeOut(worker) {
      const held = busy.get(worker);
      if (held?.owns !== true) return;
      held.owns = false;
      messages.push({ ...held.message, redelivered: true });
    },
    settle() {
      for (let steps = 0; steps < stepsMax; steps++) {
        if (world.step(0) === null && world.step(1) === null) return;
      }
      throw new Error(
        `Not at rest after ${stepsMax} steps: ${events.length} events, ${messages.length} messages.`,
      );
    },
  };

  /** An answer enters the cache only after its `ApiCalled` stands, and if it counts. */
  function keep(event: TrackEvent): void {
    if (event.type !== 'ApiCalled' || event.data.superseded || !isAnswer(event.data.outcome)) return;
    const { provider, lookup, outcome: answer, calledAt } = event.data;
    cache.set(lookupKey(provider, lookup), { provider, lookup, answer, calledAt, eventId: event.id });
  }

  function take(worker: number): 'took' | null {
    const next = messages.toSorted((a, b) => a.dueMs - b.dueMs || a.number - b.number)[0];
    if (next === undefined) return null;
    // Work takes seconds, waits take hours: time does not leap past a worker that is at work.
    if (next.dueMs > nowMs && [...busy.values()].some(({ owns }) => owns)) return null;
    messages.splice(messages.indexOf(next), 1);
    nowMs = Math.max(nowMs, next.dueMs);
    busy.set(worker, { message: next, steps: deliver(world, next, habits), owns: true });
    return 'took';
  }

  return world;
}

/** Publishes a request, as a publisher does. */
export function request(world: TrackWorld, taskId: string, asked: TaskRequest): void {
  world.publish({ taskId, hop: 0, request: asked, origin: { kind: 'request' }, dueMs: world.nowMs });
}
