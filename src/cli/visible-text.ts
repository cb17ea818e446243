/**
 * Text of strangers on a terminal: what could move the cursor, recolour the screen or turn the line around is
 * shown as an escape instead of being obeyed, and wide characters are counted as the two columns they take.
 */

// Controls, line and paragraph separators, what turns the writing direction, what nobody can see, lone surrogates.
const unprintable =
  /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The text with everything that a terminal would act on as a visible escape, such as `\u{1b}`. One line. */
export function visibleText(text: string): string {
  return text.replace(
    unprintable,
    (character) => shortEscapes[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

// East Asian wide and fullwidth forms and pictographs, by block: a column or two off is harmless here.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const zeroWidth = /\p{Mn}|\p{Me}|\u200c|\u200d/u;
const plainAscii = /^[\x20-\x7e]*$/;

/** How many terminal columns a visible text takes. */
export function columnsOf(text: string): number {
  if (plainAscii.test(text)) return text.length;
  let columns = 0;
  for (const character of text) columns += characterColumns(character);
  return columns;
}

/** The text in at most so many columns; a cut is shown by an ellipsis. */
export function clip(text: string, columnsMax: number): string {
  if (columnsOf(text) <= columnsMax) return text;
  let kept = '';
  let columns = 0;
  for (const character of text) {
    columns += characterColumns(character);
    if (columns > columnsMax - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** The text filled up with spaces at its end, or with `start` at its beginning, to so many columns. */
export function pad(text: string, columns: number, side: 'start' | 'end' = 'end'): string {
  const space = ' '.repeat(Math.max(0, columns - columnsOf(text)));
  return side === 'end' ? text + space : space + text;
}

/** A stranger's text, visible and clipped. */
export function shown(text: string, columnsMax = 80): string {
  // Cut first: a text of megabytes is not worth escaping whole.
  return clip(visibleText(text.slice(0, columnsMax * 4)), columnsMax);
}

function characterColumns(character: string): number {
  if (zeroWidth.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}
