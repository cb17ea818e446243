import anyAscii from 'any-ascii';

/**
 * A text as it is compared: transliterated to ASCII, lower case, `&` read as "and", every run of anything else
 * than letters and digits a single space. `Tiësto` becomes `tiesto`, `Кино` becomes `kino`; a text that would
 * be left empty is kept, trimmed and in lower case, so that `!!!` is still somebody.
 */
export function normaliseText(text: string): string {
  const plain = anyAscii(text.normalize('NFKC').replaceAll('&', ' and '))
    .toLowerCase()
    .replace(/['’`]/g, '')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
  return plain === '' ? text.normalize('NFKC').trim().toLowerCase() : plain;
}

const featuring = /\s*[([](?:feat\.?|ft\.?|featuring|with)\s([^)\]]*)[)\]]/gi;

/** A title as it is compared: without the bracket that names the guests, who are compared as artists. */
export function normaliseTitle(title: string): string {
  const bare = title.replace(featuring, '');
  return normaliseText(bare.trim() === '' ? title : bare);
}

/** The guests that a title names in a bracket. */
export function guestsOf(title: string): readonly string[] {
  return [...title.matchAll(featuring)].map(([, guests]) => guests ?? '');
}

const connectors = new Set([
  'and',
  'feat',
  'ft',
  'featuring',
  'with',
  'x',
  'vs',
  'versus',
  'presents',
  'pres',
]);

/**
 * The artists as they are compared: the set of their words, sorted, without the words that only join names, so
 * that `A feat. B`, `B & A` and the list `[A, B]` are one.
 */
export function normaliseArtists(artists: readonly string[]): string {
  const words = artists.flatMap((artist) => normaliseText(artist).split(' '));
  const names = words.filter((word) => !connectors.has(word));
  return [...new Set(names.length === 0 ? words : names)].sort().join(' ');
}

/** An ISRC in its stored form, or null where the text is none. */
export function normaliseIsrc(text: string): string | null {
  const isrc = text.replace(/[\s-]/g, '').toUpperCase();
  return /^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$/.test(isrc) ? isrc : null;
}
