/** Rows as the text of a COPY, kept as the bytes that are sent: these are none of the collector's business. */
export interface CopyText {
  /** The next value of a row; what is structured goes as JSON. */
  scalar(value: unknown): void;
  /** The same for a `text[]`. */
  array(value: readonly unknown[]): void;
  endRow(): void;
  /** What was written since; it is forgotten. */
  take(): Buffer;
}

const pageBytes = 1 << 18;
/** Longer texts are written by the runtime, shorter ones faster by hand. */
const shortCharsMax = 48;
const bytesPerCharMax = 3;
const [tab, lineFeed, firstPlain, letterN, backslash, lastPlain] = [9, 10, 32, 78, 92, 126];

export function createCopyText(): CopyText {
  const full: Buffer[] = [];
  let page = Buffer.allocUnsafe(pageBytes);
  let at = 0;
  let isFirst = true;

  /** Makes sure that so many bytes fit, and a separator. */
  function room(bytes: number): void {
    if (at + bytes + 1 <= page.length) return;
    full.push(page.subarray(0, at));
    page = Buffer.allocUnsafe(Math.max(pageBytes, bytes + 1));
    at = 0;
  }

  function text(value: string): void {
    room(value.length * bytesPerCharMax);
    if (!isFirst) page[at++] = tab;
    isFirst = false;
    if (value.length <= shortCharsMax && short(value)) return;
    const whole = escaped(value);
    if (whole !== value) room(whole.length * bytesPerCharMax);
    at += page.write(whole, at);
  }

  /** False, and nothing is written, where the text is not plain. */
  function short(value: string): boolean {
    for (let from = 0; from < value.length; from++) {
      const code = value.charCodeAt(from);
      if (code < firstPlain || code > lastPlain || code === backslash) return false;
      page[at + from] = code;
    }
    at += value.length;
    return true;
  }

  function none(): void {
    room(3);
    if (!isFirst) page[at++] = tab;
    isFirst = false;
    page[at++] = backslash;
    page[at++] = letterN;
  }

  return {
    scalar(value) {
      if (value === null || value === undefined) none();
      else text(textOf(value));
    },
    array: (value) => text(`{${value.map(itemOf).join(',')}}`),
    endRow() {
      room(0);
      page[at++] = lineFeed;
      isFirst = true;
    },
    take() {
      full.push(page.subarray(0, at));
      const all = Buffer.concat(full.splice(0));
      at = 0;
      return all;
    },
  };
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function itemOf(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  return `"${textOf(value).replace(/["\\]/g, String.raw`\$&`)}"`;
}

const special = /[\\\n\r\t]/;
const escapes: Readonly<Record<string, string>> = {
  '\\': String.raw`\\`,
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
};

/** Most texts have nothing to escape, and a look is cheaper than a copy. */
function escaped(text: string): string {
  return special.test(text) ? text.replace(/[\\\n\r\t]/g, (one) => escapes[one] ?? one) : text;
}
