import { extname } from 'node:path';
import { createCsvRows } from './csv-rows.ts';
import type { InputRow, RejectedRow } from './input-row.ts';
import type { InputSource } from './input-source.ts';
import { createJsonRows } from './json-rows.ts';
import { type Line, readLines } from './lines.ts';
import type { RowReader } from './row-reader.ts';
import { fromTextStart } from './text-start.ts';

export type InputFormat = 'csv' | 'json-lines';

/**
 * Reads the rows of a file one after the other, in constant memory. What is wrong with one row is that row's
 * rejection and stops nothing; every physical line is part of a row, part of a rejection, blank, or the header.
 *
 * @param options.format found out from the name and the first character where it is left out
 * @throws UserError where the file as a whole cannot be read: no header, no UTF-8
 */
export async function* readRows(
  source: InputSource,
  options: { readonly format?: InputFormat } = {},
): AsyncIterable<InputRow | RejectedRow> {
  let reader: RowReader | null = null;
  for await (const lines of readLines(fromTextStart(source.open(), source.name))) {
    if (reader !== null) {
      yield* reader.push(lines);
      continue;
    }
    const at = lines.findIndex(({ text, fault }) => fault !== null || text.trim() !== '');
    const first = lines[at];
    if (first === undefined) continue;
    const format = options.format ?? formatOf(source.name, first);
    reader = format === 'csv' ? createCsvRows(first, source.name) : createJsonRows(first, source.name);
    yield* reader.push(lines.slice(format === 'csv' ? at + 1 : at));
  }
  if (reader !== null) yield* reader.end();
}

function formatOf(name: string, first: Line): InputFormat {
  const extension = extname(name).toLowerCase();
  if (extension === '.csv' || extension === '.tsv') return 'csv';
  if (['.jsonl', '.ndjson', '.json'].includes(extension)) return 'json-lines';
  return /^\s*[{[]/.test(first.text) ? 'json-lines' : 'csv';
}
