import { normaliseIsrc } from '../../domain/normalise.ts';
import { taskLimits } from '../../domain/task.ts';
import { deriveTrackId } from '../track-id.ts';
import type { Column } from './columns.ts';
import { type InputRow, type RejectedRow, type RowPlace, rejectedRow } from './input-row.ts';

/** The values of a row as the file has them: texts of a CSV file, any JSON of a JSON line. */
export interface RowValues {
  readonly known: { readonly [Name in Column]?: unknown };
  readonly extra: readonly (readonly [name: string, value: unknown])[];
}

const durationMsMax = 24 * 3600 * 1000;

/**
 * Checks one row. Artist and title must be there, and what steers us (`priority`, `force_refresh`) must be right;
 * what only describes the track (`isrc`, `duration_ms`, the ids at the providers) is taken where it is usable and
 * else named in `ignored`: a bad ISRC must not lose the track.
 */
export function checkRow({ known, extra }: RowValues, place: RowPlace): InputRow | RejectedRow {
  const faults: string[] = [];
  const ignored: string[] = [];
  const text = (column: Column, charsMax: number) => readText(column, known[column], charsMax, faults);
  const described = <Value>(column: Column, read: (text: string) => Value | null): Value | null => {
    const written = plainText(known[column]);
    if (written === '') return null;
    const value = written === null ? null : read(written);
    if (value === null) ignored.push(column);
    return value;
  };

  const artist = text('artist', taskLimits.textCharsMax);
  const title = text('title', taskLimits.textCharsMax);
  const givenId = text('track_id', taskLimits.trackIdCharsMax);
  const source = text('source', taskLimits.sourceCharsMax);
  if (artist === '') faults.push('The artist is missing: fill it in.');
  if (title === '') faults.push('The title is missing: fill it in.');
  if (/[\p{Cc}\p{Cs}]/u.test(givenId)) faults.push('The track_id has control characters: remove them.');
  const priority = readPriority(known.priority, faults);
  const forceRefresh = readFlag(known.force_refresh, faults);
  const [fault] = faults;
  if (fault !== undefined) return rejectedRow(place, fault);

  return {
    kind: 'row',
    row: place.row,
    line: place.line,
    lineCount: place.lineCount,
    trackId: givenId === '' ? deriveTrackId(artist, title) : givenId,
    artist,
    title,
    isrc: described('isrc', normaliseIsrc),
    durationMs: described('duration_ms', readDuration),
    spotifyId: described('spotify_id', (id) => (/^[0-9A-Za-z]{22}$/.test(id) ? id : null)),
    musicbrainzId: described('musicbrainz_id', readUuid),
    priority,
    source: source === '' ? null : source,
    forceRefresh,
    extra: boundExtra(extra),
    ignored,
  };
}

/** The trimmed text of a value, empty where it says nothing; null where it is no text. */
function plainText(value: unknown): string | null {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : null;
}

function readText(column: Column, value: unknown, charsMax: number, faults: string[]): string {
  // A number is a fine id, but an artist or title that is one was misread by whoever wrote the file.
  const text = typeof value === 'number' && column !== 'track_id' ? null : plainText(value);
  if (text === null) faults.push(`The ${column} is not a text: write it as a string in quotes.`);
  else if (text.length > charsMax) {
    faults.push(`The ${column} has ${text.length} characters: shorten it to ${charsMax}.`);
  } else if (text.includes('\0')) faults.push(`The ${column} contains a NUL character: remove it.`);
  return text ?? '';
}

function readPriority(value: unknown, faults: string[]): number | null {
  const text = plainText(value);
  if (text === '') return null;
  if (text !== null && /^(?:10|[0-9])$/.test(text)) return Number(text);
  faults.push(
    'The priority is not a whole number from 0 (last) to 10 (first): correct it or leave it empty.',
  );
  return null;
}

function readFlag(value: unknown, faults: string[]): boolean {
  const text = typeof value === 'boolean' ? String(value) : plainText(value)?.toLowerCase();
  if (text === 'true' || text === '1' || text === 'yes') return true;
  if (text === '' || text === 'false' || text === '0' || text === 'no') return false;
  faults.push('The force_refresh is neither true nor false: correct it or leave it empty.');
  return false;
}

function readDuration(text: string): number | null {
  if (!/^[0-9]+(?:\.[0-9]*)?$/.test(text)) return null;
  const ms = Math.round(Number(text));
  return ms > 0 && ms <= durationMsMax ? ms : null;
}

function readUuid(text: string): string | null {
  const uuid = text.toLowerCase();
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid) ? uuid : null;
}

/** Keeps the first of them that fit into the limit together. */
function boundExtra(extra: RowValues['extra']): Readonly<Record<string, unknown>> {
  const kept: [string, unknown][] = [];
  let bytes = 2;
  for (const [name, value] of extra) {
    if (value === '' || value === null) continue;
    const size = jsonBytes(name) + jsonBytes(value) + 2;
    if (bytes + size > taskLimits.extraBytesMax) continue;
    bytes += size;
    kept.push([name, value]);
  }
  return Object.fromEntries(kept);
}

function jsonBytes(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value));
  } catch {
    // Nested deeper than the stack: not worth keeping.
    return Number.POSITIVE_INFINITY;
  }
}
