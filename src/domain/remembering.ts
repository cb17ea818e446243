/**
 * The same pure function of a text, which remembers its newest results: one task compares the same few texts dozens of
 * times. It keeps between `countMax` and twice as many.
 */
export function remembering<Value>(
  compute: (text: string) => Value,
  countMax: number,
): (text: string) => Value {
  let newer = new Map<string, Value>();
  let older = new Map<string, Value>();
  return (text) => {
    let value = newer.get(text);
    if (value !== undefined) return value;
    value = older.get(text) ?? compute(text);
    if (newer.size >= countMax) {
      older = newer;
      newer = new Map();
    }
    newer.set(text, value);
    return value;
  };
}
