import { UserError } from '../user-error.ts';
import { checkRow, type RowValues } from './check-row.ts';
import { matchColumns } from './columns.ts';
import { type InputRow, type RejectedRow, rejectedRow } from './input-row.ts';
import { type Line, lineFaultReasons } from './lines.ts';
import type { RowReader } from './row-reader.ts';

/**
 * The rows of a file of JSON lines.
 *
 * @param first its first line that is not blank
 * @throws UserError where the file is one JSON array
 */
export function createJsonRows(first: Line, name: string): RowReader {
  if (/^\s*\[/.test(first.text)) {
    throw new UserError(
      `"${name}" is one JSON array: write one object a line instead, as with "jq --compact-output '.[]'".`,
    );
  }
  let row = 0;
  function* push(lines: readonly Line[]): Iterable<InputRow | RejectedRow> {
    for (const { number, text, fault } of lines) {
      if (fault === null && text.trim() === '') continue;
      row += 1;
      const place = { row, line: number, lineCount: 1, raw: text };
      const read = fault === null ? readJsonLine(text) : fail(lineFaultReasons[fault]);
      yield read.kind === 'fault' ? rejectedRow(place, read.reason) : checkRow(read.values, place);
    }
  }
  return { push, end: () => [] };
}

/** What a JSON line holds, or one sentence on why it can't be used. */
type JsonLine =
  | { readonly kind: 'values'; readonly values: RowValues }
  | { readonly kind: 'fault'; readonly reason: string };

/** Reads a JSON line: an object whose keys are the column names. */
function readJsonLine(text: string): JsonLine {
  const value = parsed(text);
  if (value === undefined)
    return fail('The line is not valid JSON: write one object a line, without line breaks.');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail('The line is JSON, but not an object: write it as {"artist": …, "title": …}.');
  }
  const entries = Object.entries(value);
  const { known, duplicates } = matchColumns(entries.map(([name]) => name));
  const [duplicate] = duplicates;
  if (duplicate !== undefined) {
    return fail(`The object names "${duplicate.slice(0, 40)}" twice: leave one of the two.`);
  }
  const values: Record<string, unknown> = {};
  const extra: [string, unknown][] = [];
  for (const [name, one] of entries) {
    const column = known.get(name);
    if (column === undefined) extra.push([name, one]);
    else values[column] = one;
  }
  return { kind: 'values', values: { known: values, extra } };
}

/** Undefined where the text is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fail(reason: string): JsonLine {
  return { kind: 'fault', reason };
}
