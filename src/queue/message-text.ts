/** Neither Postgres nor a UTF-8 file can hold these. */
const unstorable = /[\0\p{Surrogate}]/gu;
const mayBeUnstorable = /[\0\ud800-\udfff]/;

/** The text with NUL and lone surrogates replaced by U+FFFD. */
export function storableText(text: string): string {
  return mayBeUnstorable.test(text) ? text.replace(unstorable, '\ufffd') : text;
}

/** What is nested deeper than this is not worth its risk to every recursive function after us. */
const depthMax = 32;

/** The JSON value with every text storable, or undefined where it cannot be kept. */
export function storableJson(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return storableText(value);
  // Adding zero turns -0, which JSON cannot write, into 0; a number like 1e400 cannot be written either.
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (depth === depthMax) return undefined;
  if (Array.isArray(value)) {
    const items = value.map((item) => storableJson(item, depth + 1));
    return items.includes(undefined) ? undefined : items;
  }
  const entries: [string, unknown][] = [];
  for (const [name, item] of Object.entries(value)) {
    const kept = storableJson(item, depth + 1);
    if (kept === undefined) return undefined;
    entries.push([storableText(name), kept]);
  }
  return Object.fromEntries(entries);
}
