/** What one or more lines are as a CSV record. */
export type CsvRecord =
  | { readonly kind: 'fields'; readonly fields: readonly string[] }
  /** A quote is still open at the end: the record may go on with the next line. */
  | { readonly kind: 'open' }
  | { readonly kind: 'broken'; readonly reason: string };

export type Delimiter = ',' | ';' | '\t';

const quote = '"';
const broken = (reason: string): CsvRecord => ({ kind: 'broken', reason });

/**
 * Splits the text of a record into its fields by RFC 4180: a field is quoted from its first character on, a quote
 * within is doubled. Spaces around a quoted field are let pass. With tabs, a quote that does not enclose the whole
 * field is a character like any other, because tab-separated files are often written without quoting.
 *
 * @param text without the line end of the record
 */
export function splitCsvRecord(text: string, delimiter: Delimiter): CsvRecord {
  if (!text.includes(quote)) return { kind: 'fields', fields: text.split(delimiter) };
  const fields: string[] = [];
  let at = 0;
  while (true) {
    const start = skipSpaces(text, at);
    if (text[start] === quote) {
      const field = readQuoted(text, start + 1);
      if (field === null) return { kind: 'open' };
      const after = skipSpaces(text, field.end);
      if (after === text.length || text[after] === delimiter) {
        fields.push(field.value);
        if (after === text.length) return { kind: 'fields', fields };
        at = after + 1;
        continue;
      }
      if (delimiter !== '\t' || field.value.includes('\n')) {
        return broken('Text follows a closing quote: double every quote that belongs to the text ("").');
      }
    }
    const end = text.indexOf(delimiter, at);
    const value = end === -1 ? text.slice(at) : text.slice(at, end);
    if (delimiter !== '\t' && value.includes(quote)) {
      return broken(
        'A quote stands inside a field that is not quoted: quote the whole field and double that quote ("").',
      );
    }
    fields.push(value);
    if (end === -1) return { kind: 'fields', fields };
    at = end + 1;
  }
}

/** Which of the delimiters the header uses: the one that stands most often outside quotes, else the comma. */
export function detectDelimiter(header: string): Delimiter {
  const bare = header.replace(/"(?:[^"]|"")*"/g, '');
  const count = (delimiter: Delimiter) => bare.split(delimiter).length;
  let best: Delimiter = ',';
  for (const delimiter of ['\t', ';'] as const) if (count(delimiter) > count(best)) best = delimiter;
  return best;
}

/** The text from after its opening quote to its closing one; null where that is missing. */
function readQuoted(text: string, start: number): { readonly value: string; readonly end: number } | null {
  let value = '';
  let from = start;
  while (true) {
    const end = text.indexOf(quote, from);
    if (end === -1) return null;
    value += text.slice(from, end);
    if (text[end + 1] !== quote) return { value, end: end + 1 };
    value += quote;
    from = end + 2;
  }
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ') at += 1;
  return at;
}
