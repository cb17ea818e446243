import { normaliseIsrc } from '../domain/normalise.ts';
import { defaultPriority } from '../domain/priority.ts';
import { isProvider } from '../domain/provider.ts';
import { type TaskOrigin, type TaskRequest, taskLimits } from '../domain/task.ts';
import type { TaskMessage } from './queue.ts';

export const bodyBytesMax = 64 * 1024;

export interface ParsedTask {
  readonly kind: 'task';
  readonly request: TaskRequest;
  readonly origin: TaskOrigin;
  readonly correlationId: string | null;
}

export interface Unreadable {
  readonly kind: 'unreadable';
  readonly reason: 'unreadable' | 'oversized';
  /** One sentence: what is wrong with the message. */
  readonly message: string;
}

type Fields = Record<string, unknown>;

/** Our own field: why the task exists, where it is no plain request. */
const originField = 'enrichment_origin';

const knownFields = new Set([
  'track_id',
  'artist',
  'title',
  'priority',
  'retry_count',
  'source',
  'queued_at',
  'spotify_id',
  'isrc',
  'musicbrainz_id',
  'force_refresh',
  'correlation_id',
  'duration_ms',
  originField,
]);

/** Reads the body of a task message. It never throws; what it cannot use it names. */
export function parseMessage({ body }: Pick<TaskMessage, 'body'>): ParsedTask | Unreadable {
  if (body.length > bodyBytesMax || Buffer.byteLength(body) > bodyBytesMax) {
    return unreadable('oversized', `The message is longer than ${bodyBytesMax / 1024} KB.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return unreadable('unreadable', 'The message is not JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return unreadable('unreadable', 'The message is not a JSON object.');
  }
  const fields = value as Fields;
  const trackId = clean(fields.track_id);
  if (trackId === null || trackId.length > taskLimits.trackIdCharsMax || /\p{Cc}/u.test(trackId)) {
    const limit = `1 to ${taskLimits.trackIdCharsMax} printable characters`;
    return unreadable('unreadable', `"track_id" has to be a text of ${limit}.`);
  }
  const artist = clean(fields.artist);
  const title = clean(fields.title);
  for (const [name, text] of [
    ['artist', artist],
    ['title', title],
  ] as const) {
    if (text === null) return unreadable('unreadable', `"${name}" is missing or empty.`);
    if (text.length > taskLimits.textCharsMax) {
      return unreadable('unreadable', `"${name}" is longer than ${taskLimits.textCharsMax} characters.`);
    }
  }
  const origin = originOf(fields[originField]);
  if (origin === null) return unreadable('unreadable', `"${originField}" is not one of ours.`);
  const request: TaskRequest = {
    trackId,
    artist: artist ?? '',
    title: title ?? '',
    isrc: normaliseIsrc(clean(fields.isrc) ?? ''),
    durationMs: positiveNumber(fields.duration_ms),
    spotifyId: short(fields.spotify_id),
    musicbrainzId: short(fields.musicbrainz_id),
    priority: priorityOf(fields.priority),
    source: short(fields.source),
    queuedAt: timeOf(fields.queued_at),
    forceRefresh: fields.force_refresh === true,
    extra: extraOf(fields),
  };
  return { kind: 'task', request, origin, correlationId: short(fields.correlation_id) };
}

/** The body of a task message, in the wire format of the publishers. */
export function encodeMessage(
  request: TaskRequest,
  origin: TaskOrigin,
  correlationId: string | null,
): string {
  return JSON.stringify({
    ...request.extra,
    track_id: request.trackId,
    artist: request.artist,
    title: request.title,
    priority: request.priority,
    ...(request.isrc === null ? {} : { isrc: request.isrc }),
    ...(request.durationMs === null ? {} : { duration_ms: request.durationMs }),
    ...(request.spotifyId === null ? {} : { spotify_id: request.spotifyId }),
    ...(request.musicbrainzId === null ? {} : { musicbrainz_id: request.musicbrainzId }),
    ...(request.source === null ? {} : { source: request.source }),
    ...(request.queuedAt === null ? {} : { queued_at: request.queuedAt }),
    ...(request.forceRefresh ? { force_refresh: true } : {}),
    ...(correlationId === null ? {} : { correlation_id: correlationId }),
    ...(origin.kind === 'request' ? {} : { [originField]: origin }),
  });
}

function unreadable(reason: Unreadable['reason'], message: string): Unreadable {
  return { kind: 'unreadable', reason, message };
}

/** The text without spaces around it, NUL and lone surrogates replaced; null where nothing is left. */
function clean(value: unknown): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const text = String(value).toWellFormed().replaceAll('\0', '\ufffd').trim();
  return text === '' ? null : text;
}

function short(value: unknown): string | null {
  return clean(value)?.slice(0, taskLimits.sourceCharsMax).toWellFormed() ?? null;
}

function positiveNumber(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}

/** Old publishers may be out of range: a task is worth more than the exactness of its priority. */
function priorityOf(value: unknown): number {
  const number = typeof value === 'number' ? Math.round(value) : Number.NaN;
  return Number.isNaN(number) ? defaultPriority : Math.min(10, Math.max(0, number));
}

function timeOf(value: unknown): string | null {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

function originOf(value: unknown): TaskOrigin | null {
  if (value === undefined) return { kind: 'request' };
  if (typeof value !== 'object' || value === null) return null;
  const { kind, ofTaskId, provider, n } = value as Fields;
  if (typeof ofTaskId !== 'string') return null;
  if (kind === 'follow-up' && typeof provider === 'string' && isProvider(provider))
    return { kind, ofTaskId, provider };
  if (kind === 'replay' && typeof n === 'number') return { kind, ofTaskId, n };
  return null;
}

/** Unknown fields are kept while they fit; one that does not is left away. */
function extraOf(fields: Fields): Record<string, unknown> {
  const extra: Record<string, unknown> = {};
  let bytes = 2;
  for (const [name, value] of Object.entries(fields)) {
    if (knownFields.has(name)) continue;
    bytes += Buffer.byteLength(JSON.stringify(name)) + Buffer.byteLength(JSON.stringify(value)) + 2;
    if (bytes > taskLimits.extraBytesMax) break;
    extra[name] = value;
  }
  return extra;
}
