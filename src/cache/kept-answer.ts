import type { Answer, Candidate, Lookup, SharedAnswer } from '../domain/answer.ts';
import { isProvider } from '../domain/provider.ts';
import { type TrackField, trackFields } from '../domain/track-values.ts';

/** More than an answer of `answerLimits` with its lookup can take. */
export const keptCharsMax = 32 * 1024;

const numberFields: ReadonlySet<string> = new Set<TrackField>([
  'durationMs',
  'bpm',
  'tempoConfidence',
  'energy',
  'danceability',
  'valence',
  'spotifyPopularity',
  'lastfmPlaycount',
  'lastfmListeners',
]);
const fields: ReadonlySet<string> = new Set(trackFields);

/**
 * Reads JSON that comes from a cache, which anybody may have written to: what is too long, no JSON or of another
 * shape is null. It is written out, because every cached task comes along here.
 */
export function parseJson(text: string): unknown {
  if (text.length > keptCharsMax) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function isSharedAnswer(value: unknown): value is SharedAnswer {
  return (
    isObject(value) &&
    isText(value.provider) &&
    isProvider(value.provider) &&
    isLookup(value.lookup) &&
    isAnswerShape(value.answer) &&
    isText(value.calledAt) &&
    !Number.isNaN(Date.parse(value.calledAt)) &&
    isText(value.eventId)
  );
}

function isLookup(value: unknown): value is Lookup {
  if (!isObject(value)) return false;
  if (value.kind === 'isrc') return isText(value.isrc);
  return value.kind === 'search' && isText(value.artist) && isText(value.title);
}

function isAnswerShape(value: unknown): value is Answer {
  if (!isObject(value) || !isText(value.bodyHash)) return false;
  if (value.kind === 'missing') return value.reason === 'no-result' || value.reason === 'shadow-entry';
  return value.kind === 'found' && Array.isArray(value.candidates) && value.candidates.every(isCandidate);
}

function isCandidate(value: unknown): value is Candidate {
  return (
    isObject(value) &&
    isText(value.id) &&
    isText(value.title) &&
    isTexts(value.artists) &&
    (value.durationMs === null || Number.isFinite(value.durationMs)) &&
    isTexts(value.isrcs) &&
    isObject(value.values) &&
    Object.entries(value.values).every(
      ([field, one]) => fields.has(field) && (numberFields.has(field) ? Number.isFinite(one) : isText(one)),
    )
  );
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}
