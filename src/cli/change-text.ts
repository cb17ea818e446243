import type { AnyValueSource, ValueChange } from '../domain/value-changes.ts';
import { columnOf } from '../projections/track-columns.ts';
import type { ChangeExample, Tally } from '../redecision/tally.ts';
import { numberText } from './number-text.ts';
import { providerNames } from './provider-name.ts';
import { formatTable } from './table.ts';
import { shown } from './visible-text.ts';

const valueColumnsMax = 40;

/** What changes, counted by field, providers and reason; then examples. Ends with a line feed where there is any. */
export function tallyText(tally: Tally, examplesMax: number): string {
  const kinds = tally.kinds();
  if (kinds.length === 0) return '';
  const cells = kinds.map(({ field, before, after, reason, count, otherValues }) => [
    columnOf(field),
    before === null ? 'none' : providerNames[before],
    after === null ? 'none' : providerNames[after],
    numberText(count),
    numberText(otherValues),
    reasonTexts[reason],
  ]);
  const head = ['column', 'from', 'to', 'tracks', 'other values', 'why'];
  const counts = formatTable([head, ...cells], { right: [3, 4] });
  const examples = tally.examples(examplesMax).map(exampleText);
  return `${[counts, ...(examples.length === 0 ? [] : ['For example:', examples.join('\n')])].join('\n\n')}\n`;
}

function exampleText({ trackId, artist, title, change }: ChangeExample): string {
  return `  ${shown(trackId, 40)}  ${shown(artist, 30)} – ${shown(title, 40)}\n      ${changeText(change)}`;
}

/** Such as `genre: rock (Last.fm, 0.95) → trance (MusicBrainz, 0.95): another answer is preferred`. */
export function changeText({ field, before, after, reason, rejected }: ValueChange): string {
  const because = rejected.length === 0 ? '' : ` (${rejected.join(', ').replaceAll('-', ' ')})`;
  return `${columnOf(field)}: ${sourceText(before)} → ${sourceText(after)}: ${reasonTexts[reason]}${because}`;
}

function sourceText(source: AnyValueSource | null): string {
  if (source === null) return 'no value';
  const { value, provider, confidence } = source;
  return `${shown(String(value), valueColumnsMax)} (${providerNames[provider]}, ${confidence.toFixed(2)})`;
}

const reasonTexts = {
  'no-longer-matches': 'its answer does not match any more',
  'other-candidate': 'another candidate of the same answer matches',
  'other-answer-preferred': 'another answer is preferred',
  'no-longer-trusted': 'its provider is not trusted for this field',
  'matches-now': 'an answer matches, or is trusted, that did not count',
  'other-confidence': 'the match is more or less sure',
} as const;
