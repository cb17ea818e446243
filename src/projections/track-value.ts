import { type TrackField, trackFields } from '../domain/track-values.ts';
import { tracks } from './schema.ts';
import { integerOf, numberOf, refused, textOf } from './storable.ts';

type Check = (field: TrackField, value: unknown) => unknown;

/** By the type of the column, and by the constraint where it has one. */
function checkOf(field: TrackField): Check {
  if (field === 'camelotKey') return camelotKeyOf;
  if (field === 'tempoConfidence') return confidenceOf;
  switch (tracks[field].getSQLType()) {
    case 'integer':
      return (name, value) => integerOf(name, value);
    case 'bigint':
      return (name, value) => integerOf(name, value, Number.MAX_SAFE_INTEGER);
    case 'double precision':
      return numberOf;
    default:
      return textOf;
  }
}

const checks = Object.fromEntries(trackFields.map((field) => [field, checkOf(field)])) as Record<
  TrackField,
  Check
>;

/** @throws RangeError where the column of the field cannot hold the value */
export function checkTrackValue(field: TrackField, value: unknown): void {
  if (value !== null && value !== undefined) checks[field](field, value);
}

const camelotKey = /^(1[0-2]|[1-9])[AB]$/;

function camelotKeyOf(field: TrackField, value: unknown): string {
  const text = textOf(field, value);
  if (!camelotKey.test(text)) throw refused(field, value, 'is no key of the Camelot wheel');
  return text;
}

function confidenceOf(field: TrackField, value: unknown): number {
  const confidence = numberOf(field, value);
  if (confidence < 0 || confidence > 1) throw refused(field, value, 'is not between 0 and 1');
  return confidence;
}
