import { type TaskOrigin, type TaskRequest, taskLimits } from '../domain/task.ts';
import {
  isOptionalField,
  type OptionalField,
  optionalFields,
  readOrigin,
  readPriority,
  readRequired,
  readTrackId,
  UnreadableField,
} from './message-fields.ts';
import { storableJson, storableText } from './message-text.ts';
import type { TaskMessage } from './queue.ts';

/** The longest body that is read, in bytes of UTF-8. */
export const bodyBytesMax = 64 * 1024;

export interface ParsedTask {
  readonly kind: 'task';
  readonly request: TaskRequest;
  readonly origin: TaskOrigin;
  /** Null where the publisher set none. */
  readonly correlationId: string | null;
}

export interface UnreadableMessage {
  readonly kind: 'unreadable';
  readonly reason: 'unreadable' | 'oversized';
  /** One sentence: what is wrong with it. */
  readonly message: string;
}

/**
 * Reads a message body. Without a track id, artist and title there is no task; a field that only helps and is
 * unusable, such as a malformed ISRC, is read as unknown and kept in `extra` under its name. Unknown fields are
 * kept there too, in their order, as far as they fit into `taskLimits.extraBytesMax` together; those that do not
 * fit, or are nested deeper than anyone means, are dropped. It never throws.
 */
export function parseMessage({ body }: Pick<TaskMessage, 'body'>): ParsedTask | UnreadableMessage {
  if (bytesOf(body) > bodyBytesMax) {
    return unreadable('oversized', `The message body is longer than ${bodyBytesMax} bytes.`);
  }
  let fields: unknown;
  try {
    fields = JSON.parse(body);
  } catch {
    return unreadable('unreadable', 'The message body is not JSON.');
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    return unreadable('unreadable', 'The message body is JSON, but not an object.');
  }
  try {
    return readTask(fields as Record<string, unknown>);
  } catch (error) {
    if (error instanceof UnreadableField) return unreadable('unreadable', error.message);
    throw error;
  }
}

/** The body of a task's message, as `parseMessage` reads it. */
export function encodeMessage(
  request: TaskRequest,
  origin: TaskOrigin,
  correlationId: string | null,
): string {
  const fields: [string, unknown][] = [
    ['track_id', request.trackId],
    ['artist', request.artist],
    ['title', request.title],
    ['priority', request.priority],
    ['force_refresh', request.forceRefresh],
  ];
  const optional: Readonly<Record<OptionalField, unknown>> = {
    source: request.source,
    queued_at: request.queuedAt,
    spotify_id: request.spotifyId,
    isrc: request.isrc,
    musicbrainz_id: request.musicbrainzId,
    duration_ms: request.durationMs,
    correlation_id: correlationId,
  };
  for (const [name, value] of Object.entries(optional)) if (value !== null) fields.push([name, value]);
  for (const [name, value] of Object.entries(request.extra)) {
    // A known name stands in `extra` because its value is unusable. Any other would be read as something else.
    const known = isOptionalField(name) && (optional[name] !== null || optionalFields[name](value) !== null);
    if (!known && !reservedNames.has(name)) fields.push([name, value]);
  }
  if (origin.kind === 'follow-up') {
    const { kind, ofTaskId, provider } = origin;
    fields.push(['enrichment_origin', { kind, of_task_id: ofTaskId, provider }]);
  } else if (origin.kind === 'replay') {
    const { kind, ofTaskId, n } = origin;
    fields.push(['enrichment_origin', { kind, of_task_id: ofTaskId, n }]);
  }
  return JSON.stringify(Object.fromEntries(fields));
}

/** Never part of `extra`. `retry_count` is read by nobody: attempts are counted in the ledger. */
const reservedNames: ReadonlySet<string> = new Set([
  'track_id',
  'artist',
  'title',
  'priority',
  'force_refresh',
  'retry_count',
  'enrichment_origin',
]);

function readTask(fields: Record<string, unknown>): ParsedTask {
  const read = <Name extends OptionalField>(name: Name) =>
    optionalFields[name](fields[name]) as ReturnType<(typeof optionalFields)[Name]>;
  const request: TaskRequest = {
    trackId: readTrackId(fields.track_id),
    artist: readRequired('artist', fields.artist),
    title: readRequired('title', fields.title),
    isrc: read('isrc'),
    durationMs: read('duration_ms'),
    spotifyId: read('spotify_id'),
    musicbrainzId: read('musicbrainz_id'),
    priority: readPriority(fields.priority),
    source: read('source'),
    queuedAt: read('queued_at'),
    forceRefresh: fields.force_refresh === true,
    extra: readExtra(fields),
  };
  const origin = readOrigin(fields.enrichment_origin);
  return { kind: 'task', request, origin, correlationId: read('correlation_id') };
}

function readExtra(fields: Record<string, unknown>): Readonly<Record<string, unknown>> {
  const kept: [string, unknown][] = [];
  let bytes = 2;
  for (const [name, value] of Object.entries(fields)) {
    if (reservedNames.has(name) || isUsedOrEmpty(name, value)) continue;
    const storable = storableJson(value);
    if (storable === undefined) continue;
    const storableName = storableText(name);
    const size = bytesOf(JSON.stringify(storableName)) + bytesOf(JSON.stringify(storable)) + 2;
    if (bytes + size > taskLimits.extraBytesMax) continue;
    bytes += size;
    kept.push([storableName, storable]);
  }
  return Object.fromEntries(kept);
}

function isUsedOrEmpty(name: string, value: unknown): boolean {
  if (!isOptionalField(name)) return false;
  return value === null || value === '' || optionalFields[name](value) !== null;
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

function unreadable(reason: UnreadableMessage['reason'], message: string): UnreadableMessage {
  return { kind: 'unreadable', reason, message };
}
