import type { Outcome } from '../domain/answer.ts';
import type {
  ApiCalled,
  CacheHit,
  Enriched,
  EventMeta,
  TaskReceived,
  TrackEvent,
  ValueSource,
} from '../domain/events.ts';
import type { TaskRequest } from '../domain/task.ts';
import type { TrackField } from '../domain/track-values.ts';

/**
 * A track's event, as far as read models look at it. What providers answered is not in it: answers are most of a
 * ledger's bytes, so that reading past them is what makes a rebuild fast.
 */
export type SkimmedEvent =
  | SkimmedReceived
  | SkimmedHit
  | SkimmedCall
  | SkimmedEnriched
  | Whole<Exclude<TrackEvent, TaskReceived | CacheHit | ApiCalled | Enriched>>;

export type SkimmedMeta = Pick<EventMeta, 'occurredAt' | 'taskId' | 'hop' | 'schemaVersion'>;

interface Skimmed<Type extends string, Data> {
  readonly id: string;
  readonly type: Type;
  readonly data: Data;
  readonly meta: SkimmedMeta;
}

type Whole<Event extends TrackEvent> = Event extends TrackEvent
  ? Skimmed<Event['type'], Event['data']>
  : never;

export type SkimmedReceived = Skimmed<
  'TaskReceived',
  Pick<TaskReceived['data'], 'origin'> & {
    readonly request: Pick<TaskRequest, 'artist' | 'title' | 'source' | 'priority'>;
  }
>;

export type SkimmedHit = Skimmed<'CacheHit', Pick<CacheHit['data'], 'provider' | 'via'>>;

export type SkimmedCall = Skimmed<
  'ApiCalled',
  Pick<ApiCalled['data'], 'provider' | 'durationMs' | 'calledAt'> & {
    readonly outcome: { readonly kind: Outcome['kind'] };
  }
>;

export type SkimmedEnriched = Skimmed<
  'Enriched',
  Omit<Enriched['data'], 'snapshot'> & { readonly snapshot: readonly ValuesOfAnswer[] }
>;

/** An answer, and what a snapshot has of it. A snapshot has its values from few answers, and says so with each of them. */
export interface ValuesOfAnswer extends Omit<ValueSource<unknown>, 'value'> {
  readonly values: readonly FieldValue[];
}

export interface FieldValue {
  readonly field: TrackField;
  readonly value: unknown;
}
