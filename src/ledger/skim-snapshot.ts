import type { Snapshot, ValueSource } from '../domain/events.ts';
import { type TrackField, trackFields } from '../domain/track-values.ts';
import { type ByteText, textOf } from './ledger.ts';
import type { FieldValue, ValuesOfAnswer } from './skimmed-event.ts';

type Answer = Omit<ValueSource<unknown>, 'value'>;
type Group = ValuesOfAnswer & { readonly values: FieldValue[] };

/** To go on with a name that many objects know is cheaper than with one that was cut out of a text. */
const fields = new Map<string, { readonly field: TrackField; readonly bit: number }>(
  trackFields.map((field, n) => [field, { field, bit: 1 << n }]),
);

/** The values of a snapshot by the answers that they are from, both in the order in which they come. */
export function valuesByAnswer(snapshot: Snapshot): readonly ValuesOfAnswer[] {
  const groups: Group[] = [];
  for (const [name, source] of Object.entries(snapshot as Readonly<Record<string, unknown>>)) {
    const known = fields.get(name);
    if (source === undefined || known === undefined) continue;
    // What is no object has neither answer nor value, which whoever looks at them refuses.
    const { value, ...answer } = Object(source) as ValueSource<unknown>;
    groupOf(groups, answer).values.push({ field: known.field, value });
  }
  return groups;
}

function groupOf(groups: Group[], { provider, eventId, revision, confidence }: Answer): Group {
  for (const one of groups) {
    if (one.eventId !== eventId || one.provider !== provider) continue;
    if (one.revision === revision && one.confidence === confidence) return one;
  }
  const added = { provider, eventId, revision, confidence, values: [] };
  groups.push(added);
  return added;
}

/** Numbers and texts as JSON has them, without an exponent or an escape. A text is UTF-8, a character a byte. */
const number = String.raw`(?:0|[1-9]\d*)(?:\.\d+)?`;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has none inside of a text.
const plain = /"([^"\\\x00-\x1f]*)"/.source;
const sourced = new RegExp(
  String.raw`"(\w+)":\{"value":(?:${plain}|(-?${number})),` +
    String.raw`("provider":"\w+","eventId":"[\w-]+","revision":${number},"confidence":${number})\}([,}])`,
  'y',
);

/** The same of a snapshot that is written as this version writes it; null: of another. */
export interface SkimmedSnapshot {
  readonly snapshot: readonly ValuesOfAnswer[];
  /** Where it ends. */
  readonly end: number;
}

/** @param at behind the brace that opens it */
export function skimSnapshot(data: ByteText, at: number): SkimmedSnapshot | null {
  const groups: Group[] = [];
  /** Answers as they are written, and the group of each: most values repeat one. */
  const written: string[] = [];
  const groupsWritten: Group[] = [];
  let seen = 0;
  for (let from = at; ; ) {
    sourced.lastIndex = from;
    const [all = '', name = '', text, digits, answer = '', ends] = sourced.exec(data) ?? [];
    const known = fields.get(name);
    // Of a field that stands there twice the last one counts, which is for a parser to tell.
    if (known === undefined || (seen & known.bit) !== 0) return null;
    seen |= known.bit;
    let n = written.indexOf(answer);
    if (n < 0) {
      n = written.push(answer) - 1;
      groupsWritten.push(groupOf(groups, JSON.parse(`{${answer}}`) as Answer));
    }
    groupsWritten[n]?.values.push({
      field: known.field,
      value: text === undefined ? Number(digits) : textOf(text),
    });
    from += all.length;
    if (ends === '}') return { snapshot: groups, end: from };
  }
}
