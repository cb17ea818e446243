/** Longer texts are rare, and not worth keeping. */
const textCharsMax = 200;

/**
 * The same function of a text, which remembers what the last texts came to. To whoever calls it nothing differs but the
 * time: a track's title is compared with that of every candidate of every answer.
 *
 * @param textsMax how many texts are remembered at least; at most twice as many
 */
export function remembered<Value>(of: (text: string) => Value, textsMax: number): (text: string) => Value {
  let young = new Map<string, Value>();
  let old = young;
  return (text) => {
    if (text.length > textCharsMax) return of(text);
    let value = young.get(text);
    if (value !== undefined) return value;
    value = old.get(text) ?? of(text);
    // Two generations: forgetting half at once is cheaper than keeping an order of use.
    if (young.size >= textsMax) {
      old = young;
      young = new Map();
    }
    young.set(text, value);
    return value;
  };
}
