import type { Outcome } from '../domain/answer.ts';
import type { Enriched, LeftOut, Snapshot } from '../domain/events.ts';
import { isProvider } from '../domain/provider.ts';
import type { TaskOrigin } from '../domain/task.ts';
import { type ByteText, textOf } from './ledger.ts';
import type {
  SkimmedCall,
  SkimmedEnriched,
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
 * between changes nothing of it.
 */
type Skim<Event> = (data: ByteText) => Event | null;

const text = String.raw`"[^"\\]*"`;
const held = String.raw`"([^"\\]*)"`;
const time = String.raw`"([\w.:+-]+)"`;
const number = String.raw`\d+(?:\.\d+)?`;
const lookup = String.raw`"lookup":\{(?:"\w+":"(?:[^"\\]|\\.)*",?)+\}`;

const metaStart = new RegExp(String.raw`^\{"occurredAt":${time},"taskId":${held},"hop":(\d+),`);
const metaEnd = ',"schemaVersion":1}';

export const skimMeta: Skim<SkimmedMeta> = (metadata) => {
  if (!metadata.endsWith(metaEnd)) return null;
  const [, occurredAt, taskId, hop] = metaStart.exec(metadata) ?? [];
  if (occurredAt === undefined || taskId === undefined) return null;
  return { occurredAt, taskId: textOf(taskId), hop: Number(hop), schemaVersion: 1 };
};

const receivedStart = new RegExp(
  String.raw`^\{"request":\{"trackId":${text},"artist":${held},"title":${held},"isrc":(?:null|${text}),` +
    `"durationMs":(?:null|${number}),"spotifyId":(?:null|${text}),"musicbrainzId":(?:null|${text}),` +
    String.raw`"priority":(\d+),"source":(?:null|${held}),`,
);
const receivedEnd = new RegExp(
  String.raw`,"origin":\{"kind":(?:"request"|"follow-up","ofTaskId":${held},"provider":"(\w+)")\},"delivery":\d+\}$`,
  'y',
);

export const skimReceived: Skim<SkimmedReceived['data']> = (data) => {
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
const calledEnd = new RegExp(
  String.raw`,"httpStatus":(?:\d+|null),"durationMs":(${number}),"calledAt":${time},"superseded":(?:true|false)\}$`,
  'y',
);

export const skimCall: Skim<SkimmedCall['data']> = (data) => {
  const ending = endOf(data, ',"httpStatus":', calledEnd);
  const [, provider = '', kind = ''] = (ending === null ? null : calledStart.exec(data)) ?? [];
  if (ending === null || !isProvider(provider)) return null;
  const [, durationMs, calledAt = ''] = ending;
  const outcome = { kind: kind as Outcome['kind'] };
  return { provider, outcome, durationMs: Number(durationMs), calledAt };
};

const hitStart = new RegExp(String.raw`^\{"provider":"(\w+)",${lookup},"answer":\{"kind":"(\w+)"`);
const hitEnd = new RegExp(String.raw`,"calledAt":${time},"eventId":"[\w-]+","via":"(cache|flight)"\}$`, 'y');

export const skimHit: Skim<SkimmedHit['data']> = (data) => {
  const ending = endOf(data, ',"calledAt":"', hitEnd);
  const [, provider = ''] = (ending === null ? null : hitStart.exec(data)) ?? [];
  if (ending === null || !isProvider(provider)) return null;
  return { provider, via: ending[2] as 'cache' | 'flight' };
};

const enrichedStart = /^\{"status":"(completed|partial)","snapshot":\{"/;
const oneLeftOut = String.raw`\{"provider":"\w+","cause":"\w+","until":"[\w.:+-]+"\},?`;
const enrichedEnd = new RegExp(
  String.raw`\},"sources":(\[(?:"\w+",?)*\]),"leftOut":(\[(?:${oneLeftOut})*\]),"artist":${held},"title":${held},"ruleVersion":${held}\}$`,
  'y',
);

/** The snapshot is parsed when it is asked for: of most streams only that of the newest `Enriched` is. */
export const skimEnriched: Skim<SkimmedEnriched['data']> = (data) => {
  const ending = endOf(data, '},"sources":[', enrichedEnd);
  const [, status] = (ending === null ? null : enrichedStart.exec(data)) ?? [];
  // Without a null in it there is a source wherever there is a field.
  if (ending === null || status === undefined || data.includes('null')) return null;
  const [, sources = '', leftOut = '', artist = '', title = '', ruleVersion = ''] = ending;
  let parsed: Snapshot | null = null;
  return {
    status: status as Enriched['data']['status'],
    get snapshot() {
      parsed ??= (JSON.parse(textOf(data)) as Enriched['data']).snapshot;
      return parsed;
    },
    sources: JSON.parse(sources) as Enriched['data']['sources'],
    leftOut: leftOut === '[]' ? [] : (JSON.parse(leftOut) as LeftOut[]),
    artist: textOf(artist),
    title: textOf(title),
    ruleVersion: textOf(ruleVersion),
    isSnapshotSure: true,
  };
};

/** What stands from the last such beginning to the end of the text. */
function endOf(data: ByteText, begins: string, pattern: RegExp): RegExpExecArray | null {
  const at = data.lastIndexOf(begins);
  if (at < 0) return null;
  pattern.lastIndex = at;
  return pattern.exec(data);
}
