/**
 * Values as the tables take them. What the database would refuse is refused here already, at the event that brings it:
 * the database sees only what a row has come to at the end of a batch, so that which event is poison, and whether one
 * is, would depend on where batches end.
 *
 * @throws RangeError that names the value
 */
export function textOf(name: string, value: unknown): string {
  if (typeof value !== 'string') throw refused(name, value, 'is no text');
  if (value.includes('\0') || !value.isWellFormed()) throw refused(name, value, 'is no Unicode text');
  return value;
}

export function textOrNull(name: string, value: unknown): string | null {
  return value === null ? null : textOf(name, value);
}

/** What an index entry can hold is shared by at most two of them. */
const keyBytesMax = 1200;

export function keyOf(name: string, value: unknown): string {
  const text = textOf(name, value);
  if (text.length * 3 > keyBytesMax && Buffer.byteLength(text) > keyBytesMax) {
    throw refused(name, value, `is longer than ${keyBytesMax} bytes`);
  }
  return text;
}

/** Milliseconds, and no day that only some months have: nothing else has to be looked at. */
const usualTime = /^[1-9]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** Without a zone it would be another time elsewhere. */
const zonedTime = /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/;

/** ISO 8601 in UTC with milliseconds: what is finer would get lost whenever a row is read and written again. */
export function timeOf(name: string, value: unknown): string {
  const text = textOf(name, value);
  if (usualTime.test(text)) return text;
  const ms = zonedTime.test(text) ? Date.parse(text) : Number.NaN;
  const iso = Number.isNaN(ms) ? '' : new Date(ms).toISOString();
  if (!/^[1-9]\d{3}-/.test(iso)) throw refused(name, value, 'is no time');
  return iso;
}

export function timeOrNull(name: string, value: unknown): string | null {
  return value === null ? null : timeOf(name, value);
}

export function integerOf(name: string, value: unknown, max = 2 ** 31 - 1): number {
  if (!Number.isInteger(value) || Math.abs(value as number) > max) {
    throw refused(name, value, `is no whole number up to ${max}`);
  }
  return value as number;
}

export function numberOf(name: string, value: unknown): number {
  if (!Number.isFinite(value)) throw refused(name, value, 'is no number');
  return value as number;
}

export function textsOf(name: string, values: readonly unknown[]): string[] {
  return values.map((value) => textOf(name, value));
}

/** JSON writes NUL and lone surrogates so, which PostgreSQL does not take. */
const unstorable = /\\u(?:0000|d[89a-f])/;

export function jsonOf<Value>(name: string, value: Value): Value {
  const text = JSON.stringify(value);
  // Where the text itself has a backslash before the letters, the longer look tells.
  if (unstorable.test(text)) refuseUnstorable(name, value);
  return value;
}

function refuseUnstorable(name: string, value: unknown): void {
  if (typeof value === 'string') textOf(name, value);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, one] of Object.entries(value)) {
      textOf(name, key);
      refuseUnstorable(name, one);
    }
  }
}

const shownCharsMax = 60;

export function refused(name: string, value: unknown, why: string): RangeError {
  const text = JSON.stringify(value) ?? String(value);
  return new RangeError(
    `The value of "${name}" ${why}: ${text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}…` : text}.`,
  );
}
