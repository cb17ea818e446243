import anyAscii from 'any-ascii';
import { remembered } from './remembered.ts';

const textsRemembered = 500;
// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them
const plainAscii = /^[\x00-\x7f]*$/;

/**
 * A text as it is compared: transliterated to ASCII, lower case, `&` read as "and", every run of anything else
 * than letters and digits a single space. `Tiësto` becomes `tiesto`, `Кино` becomes `kino`; a text that would
 * be left empty is kept, in lower case and with single spaces, so that `!!!` is still somebody.
 */
export const normaliseText = remembered(normalisedText, textsRemembered);

function normalisedText(text: string): string {
  // What follows leaves ASCII as it is, and most texts are nothing else.
  const isAscii = plainAscii.test(text);
  // In lower case before it is transliterated as well: of a few letters the tables know only the small form.
  const small = (isAscii ? text : text.normalize('NFKC')).toLowerCase();
  const read = small.replaceAll('&', ' and ');
  const plain = (isAscii ? read : anyAscii(read).toLowerCase())
    .replace(/['’`]/g, '')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
  return plain === '' ? small.replace(/\s+/g, ' ').trim() : plain;
}

const featuring = /[([](?:(?:feat|ft)\.|(?:feat|ft|featuring|with)\s)([^)\]]*)[)\]]/gi;

/** A title as it is compared: without the bracket that names the guests, who are compared as artists. */
export const normaliseTitle = remembered(normalisedTitle, textsRemembered);

function normalisedTitle(title: string): string {
  if (!mayNameGuests(title)) return normaliseText(title);
  const bare = title.normalize('NFKC').replace(featuring, ' ');
  return normaliseText(bare.trim() === '' ? title : bare);
}

/** The guests that a title names in a bracket, in compatibility form (NFKC). */
export const guestsOf = remembered(guestsIn, textsRemembered);

function guestsIn(title: string): readonly string[] {
  if (!mayNameGuests(title)) return [];
  const named = [...title.normalize('NFKC').matchAll(featuring)].map(([, guests]) => guests?.trim() ?? '');
  return named.filter((guests) => guests !== '');
}

/** Other scripts have brackets of their own, which the compatibility form makes ours. */
function mayNameGuests(title: string): boolean {
  return /[([]/.test(title) || !plainAscii.test(title);
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
  // One artist is most often compared, and its name has no separator to be mistaken for two.
  const [first] = artists;
  return artists.length === 1 && first !== undefined ? wordsOfOne(first) : wordSet(artists);
}

const wordsOfOne = remembered((artist) => wordSet([artist]), textsRemembered);

function wordSet(artists: readonly string[]): string {
  const words = artists.flatMap((artist) => normaliseText(artist).split(' '));
  const names = words.filter((word) => !connectors.has(word));
  return [...new Set(names.length === 0 ? words : names)].sort().join(' ');
}

/** An ISRC in its stored form, or null where the text is none. */
export const normaliseIsrc = remembered(normalisedIsrc, textsRemembered);

function normalisedIsrc(text: string): string | null {
  const isrc = text.replace(/[\s-]/g, '');
  // Tested before the case is changed: `ß` would become two letters.
  return /^[A-Za-z]{2}[A-Za-z0-9]{3}[0-9]{7}$/.test(isrc) ? isrc.toUpperCase() : null;
}
