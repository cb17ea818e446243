import type { Outcome } from '../domain/answer.ts';
import { schemaVersions } from '../domain/events.ts';
import { isProvider } from '../domain/provider.ts';
import type { TaskOrigin } from '../domain/task.ts';
import { type ByteText, textOf } from './ledger.ts';
import { skimSnapshot } from './skim-snapshot.ts';
import type {
  SkimmedCall,
  SkimmedEnriched,
  SkimmedEvent,
  SkimmedHit,
  SkimmedMeta,
  SkimmedReceived,
} from './skimmed-event.ts';

/**
 * Each function reads what is looked at of one type of event from its JSON, where that is written as this version writes
 * it, and says null where it is not: then it is parsed.
 *
 * What they rely on: a quote inside a JSON string has a backslash before it. So what matches from the start on stands
 * outside of every string, and so does what matches up to the end. And no object has a key twice, so whatever stands
 * between changes nothing of it. (Of `Enriched` all is read, so of that they rely on nothing.)
 */
type Skim<Event> = (data: ByteText) => Event | null;

const text = String.raw`"[^"\\]*"`;
const held = String.raw`"([^"\\]*)"`;
const time = String.raw`"([\w.:+-]+)"`;
const number = String.raw`\d+(?:\.\d+)?`;
const lookup = String.raw`"lookup":\{(?:"\w+":"(?:[^"\\]|\\.)*",?)+\}`;

const metaStart = new RegExp(String.raw`^\{"occurredAt":${time},"taskId":${held},"hop":(\d+),`);
const metaEnds = new Map(
  Object.entries(schemaVersions).map(([type, version]) => [
    type,
    { version, end: `,"schemaVersion":${version}}` },
  ]),
);

/** Of an event of the present version. */
export function skimMeta(type: string, metadata: ByteText): SkimmedMeta | null {
  const known = metaEnds.get(type);
  if (known === undefined || !metadata.endsWith(known.end)) return null;
  const [, occurredAt, taskId, hop] = metaStart.exec(metadata) ?? [];
  if (occurredAt === undefined || taskId === undefined) return null;
  return { occurredAt, taskId: textOf(taskId), hop: Number(hop), schemaVersion: known.version };
}

const receivedStart = new RegExp(
  String.raw`^\{"request":\{"trackId":${text},"artist":${held},"title":${held},"isrc":(?:null|${text}),` +
    `"durationMs":(?:null|${number}),"spotifyId":(?:null|${text}),"musicbrainzId":(?:null|${text}),` +
    String.raw`"priority":(\d+),"source":(?:null|${held}),`,
);
const receivedEnd = new RegExp(
  String.raw`,"origin":\{"kind":(?:"request"|"follow-up","ofTaskId":${held},"provider":"(\w+)")\},"delivery":\d+\}$`,
  'y',
);

const skimReceived: Skim<SkimmedReceived['data']> = (data) => {
  const ending = endOf(data, ',"origin":{', receivedEnd);
  const found = ending === null ? null : receivedStart.exec(data);
  if (ending === null || found === null) return null;
  const [, artist = '', title = '', priority, source] = found;
  const [, ofTaskId, provider] = ending;
  let origin: TaskOrigin = { kind: 'request' };
  if (ofTaskId !== undefined && provider !== undefined) {
    if (!isProvider(provider)) return null;
    origin = { kind: 'follow-up', ofTaskId: textOf(ofTaskId), provider };
  }
  return {
    request: {
      artist: textOf(artist),
      title: textOf(title),
      priority: Number(priority),
      source: source === undefined ? null : textOf(source),
    },
    origin,
  };
};

const calledStart = new RegExp(String.raw`^\{"provider":"(\w+)",${lookup},"outcome":\{"kind":"(\w+)"`);
const callEnds = ',"httpStatus":';
const calledEnd = new RegExp(
  String.raw`,"httpStatus":(?:\d+|null),"durationMs":(${number}),"calledAt":${time},"superseded":(?:true|false)\}$`,
  'y',
);

export const skimCall: Skim<SkimmedCall['data']> = (data) => {
  const ending = endOf(data, callEnds, calledEnd);
  const [, provider = '', kind = ''] = (ending === null ? null : calledStart.exec(data)) ?? [];
  if (ending === null || !isProvider(provider)) return null;
  const [, durationMs, calledAt = ''] = ending;
  const outcome = { kind: kind as Outcome['kind'] };
  return { provider, outcome, durationMs: Number(durationMs), calledAt };
};

const hitStart = new RegExp(String.raw`^\{"provider":"(\w+)",${lookup},"answer":\{"kind":"(\w+)"`);
const hitEnds = ',"calledAt":"';
const hitEnd = new RegExp(String.raw`,"calledAt":${time},"eventId":"[\w-]+","via":"(cache|flight)"\}$`, 'y');

export const skimHit: Skim<SkimmedHit['data']> = (data) => {
  const ending = endOf(data, hitEnds, hitEnd);
  const [, provider = ''] = (ending === null ? null : hitStart.exec(data)) ?? [];
  if (ending === null || !isProvider(provider)) return null;
  return { provider, via: ending[2] as 'cache' | 'flight' };
};

const enrichedStart = /^\{"status":"(completed|partial)","snapshot":\{/;

/** All of it is looked at: what does not end as JSON does is none. */
const skimEnriched: Skim<SkimmedEnriched['data']> = (data) => {
  const [start = '', status] = enrichedStart.exec(data) ?? [];
  const found = status === undefined ? null : skimSnapshot(data, start.length);
  if (found === null || data[found.end] !== ',') return null;
  const rest = restOf(data.slice(found.end + 1));
  if ('status' in rest || 'snapshot' in rest || !isObject(rest.sources) || !isObject(rest.leftOut))
    return null;
  return { ...rest, status, snapshot: found.snapshot } as SkimmedEnriched['data'];
};

function restOf(data: ByteText): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(`{${textOf(data)}`);
  } catch {
    return {};
  }
}

/** A list is one: what `decodeTrackEvent` asks for. */
function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** Those that are skimmed, by type of event. */
export const skims: ReadonlyMap<string, Skim<SkimmedEvent['data']>> = new Map<
  string,
  Skim<SkimmedEvent['data']>
>([
  ['TaskReceived', skimReceived],
  ['ApiCalled', skimCall],
  ['CacheHit', skimHit],
  ['Enriched', skimEnriched],
]);

/** Of those the middle is not looked at. */
export const passedOver: ReadonlySet<string> = new Set(['TaskReceived', 'ApiCalled', 'CacheHit']);

/** The JSON of an event without what a provider answered, where it is written as this version writes it. */
export function withoutAnswer(type: string, data: ByteText): ByteText {
  const parts = answerIn.get(type);
  if (parts === undefined) return data;
  const [start] = parts.start.exec(data) ?? [];
  if (start === undefined || endOf(data, parts.ends, parts.end) === null) return data;
  return `${start}}${data.slice(data.lastIndexOf(parts.ends))}`;
}

/** What an answer stands between, by type of event. */
const answerIn = new Map<string, { readonly start: RegExp; readonly ends: string; readonly end: RegExp }>([
  ['ApiCalled', { start: calledStart, ends: callEnds, end: calledEnd }],
  ['CacheHit', { start: hitStart, ends: hitEnds, end: hitEnd }],
]);

/** What stands from the last such beginning to the end of the text. */
function endOf(data: ByteText, begins: string, pattern: RegExp): RegExpExecArray | null {
  const at = data.lastIndexOf(begins);
  if (at < 0) return null;
  pattern.lastIndex = at;
  return pattern.exec(data);
}
