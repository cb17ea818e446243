import type { Lookup, Outcome, SharedAnswer } from './answer.ts';
import type { Provider } from './provider.ts';
import type { HourCounts } from './provider-counts.ts';
import type { TaskOrigin, TaskRequest } from './task.ts';
import type { TrackField, TrackValues } from './track-values.ts';

/**
 * The facts of a track's story. Five tell it (`TaskReceived`, `CacheHit`, `ApiCalled`, `Enriched`, `Failed`);
 * the others stand only where these cannot say it. A published event never changes its meaning: a new meaning is
 * a new `schemaVersion`. All data survives JSON unchanged: ISO strings, null, no undefined.
 */
export type TrackEvent =
  | TaskReceived
  | CacheHit
  | ApiCalled
  | Enriched
  | Failed
  | Deferred
  | Replayed
  | Dismissed
  | Erased;

export type TrackEventType = TrackEvent['type'];

/** The version that this code writes of each event. */
export const schemaVersions: Readonly<Record<TrackEventType, number>> = {
  TaskReceived: 1,
  CacheHit: 1,
  ApiCalled: 1,
  Enriched: 1,
  Failed: 1,
  Deferred: 1,
  Replayed: 1,
  Dismissed: 1,
  Erased: 1,
};

/** What every event carries. */
export interface EventMeta {
  /** When the fact was recorded, ISO 8601 with milliseconds; never goes back within a stream. */
  readonly occurredAt: string;
  readonly taskId: string;
  /** Which way of the task's message to a worker, from 0. */
  readonly hop: number;
  readonly correlationId: string;
  /** The event or message that caused this one; null where nothing recorded did. */
  readonly causationId: string | null;
  /** W3C trace context of the work that recorded it. */
  readonly traceparent: string | null;
  readonly schemaVersion: number;
}

interface Fact<Type extends string, Data> {
  /** A random UUID, made once, kept through every repetition of the append. */
  readonly id: string;
  readonly type: Type;
  readonly data: Data;
  readonly meta: EventMeta;
}

/** A worker took the task; again, with a higher `delivery`, where the message was delivered again. */
export type TaskReceived = Fact<
  'TaskReceived',
  {
    readonly request: TaskRequest;
    readonly origin: TaskOrigin;
    /** The n-th delivery of this hop, from 1. */
    readonly delivery: number;
  }
>;

/** An answer was taken from the cache, or from a call that was already in flight for another task. */
export type CacheHit = Fact<'CacheHit', SharedAnswer & { readonly via: 'cache' | 'flight' }>;

/** A provider was called. */
export type ApiCalled = Fact<
  'ApiCalled',
  {
    readonly provider: Provider;
    readonly lookup: Lookup;
    readonly outcome: Outcome;
    /** Null where no answer came. */
    readonly httpStatus: number | null;
    readonly durationMs: number;
    readonly calledAt: string;
    /** True: another worker had recorded the same task's answer first; this one counts nowhere. */
    readonly superseded: boolean;
  }
>;

/** A needed provider that gave no answer in this task. */
export interface LeftOut {
  readonly provider: Provider;
  /** `waiting`: throttled, closed, or no free slot in time; `fault`: it was called and failed. */
  readonly cause: 'waiting' | 'fault';
  /** When it can be asked again, ISO 8601. */
  readonly until: string;
}

/** A value of the snapshot, and why it is there. */
export interface ValueSource<Value> {
  readonly value: Value;
  readonly provider: Provider;
  /** The `ApiCalled` or `CacheHit` of this stream that recorded the answer, and its revision. */
  readonly eventId: string;
  readonly revision: number;
  /** 0 to 1: how sure the match is. */
  readonly confidence: number;
}

export type Snapshot = { readonly [Field in TrackField]?: ValueSource<TrackValues[Field]> };

/** The task is done. The snapshot is over the whole stream, so a later, poorer look erases nothing. */
export type Enriched = Fact<
  'Enriched',
  {
    /** `completed`: two or more providers in the snapshot. */
    readonly status: 'completed' | 'partial';
    readonly snapshot: Snapshot;
    /** The providers in the snapshot. */
    readonly sources: readonly Provider[];
    /** Each becomes a follow-up of its own. */
    readonly leftOut: readonly LeftOut[];
    readonly artist: string;
    readonly title: string;
    readonly ruleVersion: string;
    /**
     * Only where no worker wrote it: the id of the `Enriched`, or of the `Failed` for want of a match, that was decided
     * again, by other rules, over the answers that it had. `meta.causationId` names the event whose place it takes.
     */
    readonly redecides?: string;
  }
>;

export const failureReasons = [
  'not_found',
  'unavailable',
  'crashes',
  'too_old',
  'unreadable',
  'oversized',
  'expired',
  'overflow',
  'delivery_limit',
] as const;

export type FailureReason = (typeof failureReasons)[number];

/** A hop failed; `final`: the task is over. */
export type Failed = Fact<
  'Failed',
  {
    readonly reason: FailureReason;
    readonly final: boolean;
    /** How many hops of the task have failed, this one included. */
    readonly attempt: number;
    /** When the next hop is due; null where final. */
    readonly retryAt: string | null;
    readonly leftOut: readonly LeftOut[];
    readonly message: string;
    /** The raw body, where it could not be read; at most 64 KB. */
    readonly rawBody: string | null;
  }
>;

/** No provider could be asked yet: not an attempt, not a failure. */
export type Deferred = Fact<'Deferred', { readonly until: string; readonly leftOut: readonly LeftOut[] }>;

/** An operator had a dead letter tried again. `meta.taskId` is the replayed task. */
export type Replayed = Fact<
  'Replayed',
  { readonly newTaskId: string; readonly n: number; readonly by: string; readonly why: string }
>;

/** An operator settled a dead letter without another try. */
export type Dismissed = Fact<'Dismissed', { readonly by: string; readonly why: string }>;

/** The track was erased; the stream is cut before this event. */
export type Erased = Fact<
  'Erased',
  {
    /** Of all tasks of the stream, also those of earlier erasures. */
    readonly taskIds: readonly string[];
    /** How many events are cut away, by this and earlier erasures. */
    readonly eventCount: number;
    /** What these events were counted as: calls that were made stay made. Absent in facts of the first version. */
    readonly counts?: readonly HourCounts[];
    readonly by: string;
    readonly why: string;
  }
>;

/** An event at its place in its stream. */
export interface RecordedTrackEvent {
  readonly event: TrackEvent;
  /** From 0. */
  readonly revision: number;
}
