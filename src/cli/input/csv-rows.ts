import { UserError } from '../user-error.ts';
import { checkRow, type RowValues } from './check-row.ts';
import { type Column, type Header, readHeader } from './columns.ts';
import { type CsvPiece, createCsvReader } from './csv-reader.ts';
import { type Delimiter, detectDelimiter, splitCsvRecord } from './csv-record.ts';
import { type InputRow, type RejectedRow, rejectedRow } from './input-row.ts';
import { type Line, lineFaultReasons } from './lines.ts';
import type { RowReader } from './row-reader.ts';

/**
 * The rows of a CSV file.
 *
 * @param first its first line that is not blank: the header
 * @throws UserError where that names no usable columns
 */
export function createCsvRows(first: Line, name: string): RowReader {
  const delimiter = detectDelimiter(first.text);
  const header = readHeader(headerFields(first, delimiter, name), name);
  const reader = createCsvReader({ delimiter, wrongColumns: (fields) => wrongColumns(header, fields) });
  let row = 0;

  function* rowsOf(pieces: readonly CsvPiece[]): Iterable<InputRow | RejectedRow> {
    for (const piece of pieces) {
      row += 1;
      const { line, raw } = piece;
      yield piece.kind === 'fault'
        ? rejectedRow({ row, line, lineCount: 1, raw }, piece.reason)
        : checkRow(valuesOf(header, piece.fields), { row, line, lineCount: piece.lineCount, raw });
    }
  }
  return { push: (lines) => rowsOf(reader.push(lines)), end: () => rowsOf(reader.end()) };
}

function headerFields({ text, fault }: Line, delimiter: Delimiter, name: string): readonly string[] {
  if (fault !== null) {
    throw new UserError(`The header of "${name}" cannot be read: ${lineFaultReasons[fault]}`);
  }
  const line = text.endsWith('\r') ? text.slice(0, -1) : text;
  if (line.includes('\r')) {
    throw new UserError(
      `"${name}" has the line ends of an old Macintosh: save it with those of Unix or Windows.`,
    );
  }
  const record = splitCsvRecord(line, delimiter);
  if (record.kind === 'fields') return record.fields;
  throw new UserError(`The header of "${name}" has a quote that is not closed: correct its first line.`);
}

function wrongColumns({ columns }: Header, fields: readonly string[]): string | null {
  if (fields.length === columns.length) return null;
  // Spreadsheets pad rows with empty fields.
  if (fields.length > columns.length && fields.slice(columns.length).every((field) => field.trim() === '')) {
    return null;
  }
  return (
    `The row has ${fields.length} columns and the header ${columns.length}: ` +
    'quote every field that contains the delimiter, and leave unknown values empty.'
  );
}

function valuesOf({ columns }: Header, fields: readonly string[]): RowValues {
  const known: { [Name in Column]?: string } = {};
  const extra: [string, string][] = [];
  for (const [at, { name, column }] of columns.entries()) {
    const field = fields[at] ?? '';
    if (column !== null) known[column] = field;
    else if (field !== '') extra.push([name, field]);
  }
  return { known, extra };
}
