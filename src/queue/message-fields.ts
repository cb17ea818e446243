import { normaliseIsrc } from '../domain/normalise.ts';
import { defaultPriority, lowestPriority } from '../domain/priority.ts';
import { isProvider } from '../domain/provider.ts';
import { type TaskOrigin, taskLimits } from '../domain/task.ts';
import { storableText } from './message-text.ts';

const priorityMax = 10;
const durationMsMax = 24 * 3600 * 1000;
const idCharsMax = 200;
const unprintable = /[\p{Cc}\p{Surrogate}]/u;

/** What is wrong with a message, as a sentence. */
export class UnreadableField extends Error {
  override readonly name = 'UnreadableField';
}

/** A text that the task cannot do without, trimmed. */
export function readRequired(name: 'artist' | 'title', value: unknown): string {
  const text = typeof value === 'string' ? storableText(value).trim() : null;
  if (text === null) throw new UnreadableField(`The message's ${name} is missing or no text.`);
  if (text === '') throw new UnreadableField(`The message's ${name} is empty.`);
  const { textCharsMax } = taskLimits;
  if (text.length > textCharsMax) {
    throw new UnreadableField(
      `The message's ${name} has ${text.length} characters, at most ${textCharsMax}.`,
    );
  }
  return text;
}

/** The track id as it came, because it is somebody's key; a whole number is taken for its digits. */
export function readTrackId(value: unknown): string {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || text.trim() === '') {
    throw new UnreadableField("The message's track_id is missing, empty or no text.");
  }
  const { trackIdCharsMax } = taskLimits;
  if (text.length > trackIdCharsMax) {
    throw new UnreadableField(
      `The message's track_id has ${text.length} characters, at most ${trackIdCharsMax}.`,
    );
  }
  if (unprintable.test(text)) throw new UnreadableField("The message's track_id is not printable.");
  return text;
}

/** The priority orders work and is never worth losing a task: rounded and clamped, or the default. */
export function readPriority(value: unknown): number {
  if (typeof value !== 'number') return defaultPriority;
  return Math.min(priorityMax, Math.max(lowestPriority, Math.round(value)));
}

/** Each reads one field that a task can do without; null: its value is unusable. */
export const optionalFields = {
  isrc: (value: unknown) => (typeof value === 'string' ? normaliseIsrc(value) : null),
  duration_ms: readDurationMs,
  spotify_id: (value: unknown) => readShortText(value, idCharsMax),
  musicbrainz_id: (value: unknown) => readShortText(value, idCharsMax),
  source: (value: unknown) => readShortText(value, taskLimits.sourceCharsMax),
  queued_at: readTime,
  correlation_id: (value: unknown) => readShortText(value, idCharsMax),
} as const;

export type OptionalField = keyof typeof optionalFields;

export function isOptionalField(name: string): name is OptionalField {
  return Object.hasOwn(optionalFields, name);
}

/** A follow-up or replay taken for a new request would do the wrong work: what cannot be read here is a failure. */
export function readOrigin(value: unknown): TaskOrigin {
  if (value === undefined || value === null) return { kind: 'request' };
  const { kind, of_task_id: taskId, provider, n } = Object(value) as Record<string, unknown>;
  const ofTaskId = readShortText(taskId, idCharsMax);
  if (ofTaskId !== null && kind === 'follow-up' && typeof provider === 'string' && isProvider(provider)) {
    return { kind, ofTaskId, provider };
  }
  if (ofTaskId !== null && kind === 'replay' && typeof n === 'number' && Number.isSafeInteger(n) && n > 0) {
    return { kind, ofTaskId, n };
  }
  throw new UnreadableField("The message's enrichment_origin is neither a follow-up nor a replay.");
}

function readShortText(value: unknown, charsMax: number): string | null {
  if (typeof value !== 'string' || value.length > charsMax || unprintable.test(value)) return null;
  const text = value.trim();
  return text === '' ? null : text;
}

function readDurationMs(value: unknown): number | null {
  if (typeof value !== 'number') return null;
  const ms = Math.round(value);
  return ms > 0 && ms <= durationMsMax ? ms : null;
}

const isoTime = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)?)?$/;

/** An ISO time in the form that the ledger uses. Python's clocks write none of their zone: then it is UTC. */
function readTime(value: unknown): string | null {
  const parts = typeof value === 'string' ? isoTime.exec(value) : null;
  if (parts === null) return null;
  const ms = Date.parse(`${parts[1]}T${parts[2] ?? '00:00'}${parts[3] ?? 'Z'}`);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}
