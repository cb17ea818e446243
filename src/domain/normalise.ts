import anyAscii from 'any-ascii';
import { remembering } from './remembering.ts';

/** Texts whose compared form is remembered: more than the tasks that a worker has in hand mention. */
const rememberedMax = 1000;

/**
 * A text as it is compared: transliterated to ASCII, lower case, `&` read as "and", every run of anything else
 * than letters and digits a single space. `Tiësto` becomes `tiesto`, `Кино` becomes `kino`; a text that would
 * be left empty is kept, in lower case and with single spaces, so that `!!!` is still somebody.
 */
export const normaliseText = remembering(normalised, rememberedMax);

function normalised(text: string): string {
  // In lower case before it is transliterated as well: of a few letters the tables know only the small form.
  const small = text.normalize('NFKC').toLowerCase();
  const plain = anyAscii(small.replaceAll('&', ' and '))
    .toLowerCase()
    .replace(/['’`]/g, '')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
  return plain === '' ? small.replace(/\s+/g, ' ').trim() : plain;
}

const featuring = /[([](?:(?:feat|ft)\.|(?:feat|ft|featuring|with)\s)([^)\]]*)[)\]]/gi;

/** A title as it is compared: without the bracket that names the guests, who are compared as artists. */
export const normaliseTitle = remembering((title) => {
  const bare = title.normalize('NFKC').replace(featuring, ' ');
  return normaliseText(bare.trim() === '' ? title : bare);
}, rememberedMax);

/** The guests that a title names in a bracket, in compatibility form (NFKC). */
export const guestsOf = remembering((title): readonly string[] => {
  const named = [...title.normalize('NFKC').matchAll(featuring)].map(([, guests]) => guests?.trim() ?? '');
  return named.filter((guests) => guests !== '');
}, rememberedMax);

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
  return namesOf(artists.map(normaliseText).join(' '));
}

const namesOf = remembering((artists) => {
  const words = artists.split(' ');
  const names = words.filter((word) => !connectors.has(word));
  return [...new Set(names.length === 0 ? words : names)].sort().join(' ');
}, rememberedMax);

/** An ISRC in its stored form, or null where the text is none. */
export function normaliseIsrc(text: string): string | null {
  const isrc = text.replace(/[\s-]/g, '');
  // Tested before the case is changed: `ß` would become two letters.
  return /^[A-Za-z]{2}[A-Za-z0-9]{3}[0-9]{7}$/.test(isrc) ? isrc.toUpperCase() : null;
}
