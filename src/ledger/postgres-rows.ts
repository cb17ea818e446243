import type { EncodedEvent } from './codec.ts';
import type { ExpectedRevision } from './ledger.ts';

export interface PendingAppend {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly EncodedEvent[];
}

/** An event with its place. */
export interface Row extends EncodedEvent {
  readonly stream: string;
  readonly revision: number;
}

/** Tells subscribers in every process that there is something new. */
export const appendedChannel = 'ledger_appended';

/** The values of a statement that writes rows, in the order of `rowsOf`. */
export function columnsOf(rows: readonly Row[]): readonly unknown[] {
  return [
    rows.map((row) => row.stream),
    rows.map((row) => row.revision),
    rows.map((row) => row.id),
    rows.map((row) => row.type),
    jsonArrayOf(rows.map((row) => row.data)),
    jsonArrayOf(rows.map((row) => row.metadata)),
  ];
}

/** SQL of these rows, as `e`, with their ordinality. `first` is the number of the first parameter. */
export function rowsOf(first: number): string {
  const [stream, revision, id, type, data, metadata] = [0, 1, 2, 3, 4, 5].map((n) => `$${first + n}`);
  return `ROWS FROM (unnest(${stream}::text[]), unnest(${revision}::int[]), unnest(${id}::uuid[]),
            unnest(${type}::text[]), json_array_elements(${data}::json), json_array_elements(${metadata}::json))
            WITH ORDINALITY AS e(stream, revision, id, type, data, metadata, ordinality)`;
}

/** SQL of a stream's newest revision, in a form that takes the index whatever is known of the table. */
export function headOf(name: string): string {
  return `(SELECT max(revision) FROM ledger.events WHERE stream = ${name})`;
}

/** As JSON, whose elements keep their text: in an array of SQL each quote would be escaped, and read again. */
function jsonArrayOf(texts: readonly string[]): string {
  return `[${texts.join(',')}]`;
}
