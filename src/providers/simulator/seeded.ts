/** A number from 0 to below 1 that depends on the seed and the words alone: the simulator's only chance. */
export function seeded(seed: number, ...words: readonly (string | number)[]): number {
  // FNV-1a, then a finaliser, because similar words must not give similar numbers.
  let hash = 2166136261 ^ seed;
  for (const word of words) {
    const text = String(word);
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 16777619);
    hash = Math.imul(hash ^ 0x2c, 16777619);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** So many characters of the alphabet. */
export function seededText(
  seed: number,
  length: number,
  alphabet: string,
  ...words: readonly (string | number)[]
): string {
  let text = '';
  for (let at = 0; at < length; at++)
    text += alphabet[Math.floor(seeded(seed, at, ...words) * alphabet.length)];
  return text;
}
