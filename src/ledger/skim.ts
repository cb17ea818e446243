import type { Outcome } from '../domain/answer.ts';
import type { ApiCalled, CacheHit, EventMeta, TrackEvent } from '../domain/events.ts';
import { isProvider, type Provider } from '../domain/provider.ts';
import type { RecordedEvent, StoredEvent } from './ledger.ts';
import { decodeTrackEvent } from './track-events.ts';

/**
 * A track's event without what providers answered: all that read models look at. Answers are most of a ledger's
 * bytes, so that reading past them is what makes a rebuild fast.
 */
export type SkimmedEvent = Exclude<TrackEvent, CacheHit | ApiCalled> | SkimmedHit | SkimmedCall;

interface Skimmed<Type extends string, Data> {
  readonly id: string;
  readonly type: Type;
  readonly data: Data;
  readonly meta: Pick<EventMeta, 'occurredAt' | 'taskId' | 'hop'>;
}

type SkimmedHit = Skimmed<'CacheHit', Pick<CacheHit['data'], 'provider' | 'via'>>;

type SkimmedCall = Skimmed<
  'ApiCalled',
  Pick<ApiCalled['data'], 'provider' | 'durationMs' | 'calledAt'> & {
    readonly outcome: { readonly kind: Outcome['kind'] };
  }
>;

/** An event that this version cannot read: to be parked, never an exception. */
export interface Unreadable {
  /** One sentence. */
  readonly reason: string;
}

const lookup = String.raw`"lookup":\{(?:"\w+":"(?:[^"\\]|\\.)*",?)+\}`;
export const answers = {
  ApiCalled: {
    start: new RegExp(String.raw`^\{"provider":"(\w+)",${lookup},"outcome":\{"kind":"(\w+)"`),
    end: /,"httpStatus":(?:\d+|null),"durationMs":(\d+(?:\.\d+)?),"calledAt":"([\w.:+-]+)","superseded":(?:true|false)\}$/y,
    endsWith: ',"httpStatus":',
  },
  CacheHit: {
    start: new RegExp(String.raw`^\{"provider":"(\w+)",${lookup},"answer":\{"kind":"(\w+)"`),
    end: /,"calledAt":"([\w.:+-]+)","eventId":"[\w-]+","via":"(cache|flight)"\}$/y,
    endsWith: ',"calledAt":"',
  },
} as const;

/** Reads an event from its text, and of answers only what is around them where that is written as we write it. */
export function skimStored(stored: StoredEvent): SkimmedEvent | Unreadable {
  try {
    const { id, type, data, metadata } = stored;
    if (type === 'ApiCalled' || type === 'CacheHit') {
      const meta = skimMeta(metadata);
      const skimmed = meta === null ? null : skimAnswer(type, id, data, meta);
      if (skimmed !== null) return skimmed;
    }
    return skimRecorded({ ...stored, data: JSON.parse(data), metadata: JSON.parse(metadata) });
  } catch (error) {
    return { reason: `${stored.type} ${stored.id} is no JSON: ${(error as Error).message}.` };
  }
}

export function skimRecorded(recorded: RecordedEvent): SkimmedEvent | Unreadable {
  const decoded = decodeTrackEvent(recorded);
  return 'event' in decoded ? decoded.event : decoded;
}

export function isReadable(event: SkimmedEvent | Unreadable): event is SkimmedEvent {
  return 'type' in event;
}

const metaStart = /^\{"occurredAt":"([\w.:+-]+)","taskId":"((?:[^"\\])*)","hop":(\d+),/;

/** What read models look at of the metadata of an answer that is of the present version. */
export function skimMeta(metadata: string): SkimmedCall['meta'] | null {
  const [, occurredAt, taskId, hop] = metaStart.exec(metadata) ?? [];
  if (occurredAt === undefined || taskId === undefined || !metadata.endsWith('"schemaVersion":1}'))
    return null;
  return { occurredAt, taskId, hop: Number(hop) };
}

/**
 * A quote inside a JSON string always has a backslash before it. So what matches at the start stands outside of every
 * answer, and so does what matches at the end, which has no brace but the last and whole strings only.
 */
function skimAnswer(
  type: 'ApiCalled' | 'CacheHit',
  id: string,
  data: string,
  meta: SkimmedCall['meta'],
): SkimmedHit | SkimmedCall | null {
  const { start, end, endsWith } = answers[type];
  const [, provider = '', kind = ''] = start.exec(data) ?? [];
  if (!isProvider(provider)) return null;
  end.lastIndex = data.lastIndexOf(endsWith);
  const ending = end.lastIndex < 0 ? null : end.exec(data);
  if (ending === null) return null;
  if (type === 'CacheHit')
    return { id, type, data: { provider, via: ending[2] as 'cache' | 'flight' }, meta };
  return {
    id,
    type,
    data: callOf(provider, kind, ending),
    meta,
  };
}

function callOf(provider: Provider, kind: string, [, durationMs, calledAt = '']: RegExpExecArray) {
  return {
    provider,
    outcome: { kind: kind as Outcome['kind'] },
    durationMs: Number(durationMs),
    calledAt,
  };
}
