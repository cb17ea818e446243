import type { InputRow, RejectedRow } from './input-row.ts';
import type { Line } from './lines.ts';

/** Makes rows of lines, for one format. */
export interface RowReader {
  /** Takes the next lines and gives the rows that are complete. */
  push(lines: readonly Line[]): Iterable<InputRow | RejectedRow>;
  /** The input is over: gives the rows that are left. */
  end(): Iterable<InputRow | RejectedRow>;
}
