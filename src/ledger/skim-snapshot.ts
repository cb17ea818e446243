import type { Snapshot, ValueSource } from '../domain/events.ts';
import { type TrackField, trackFields } from '../domain/track-values.ts';
import { type ByteText, textOf } from './ledger.ts';
import type { FieldValue, ValuesOfAnswer } from './skimmed-event.ts';

type Answer = Omit<ValueSource<unknown>, 'value'>;
type Known = ValuesOfAnswer & { readonly values: FieldValue[] };

/** To go on with a name that many objects know is cheaper than with one that was cut out of a text. */
const fields: ReadonlyMap<string, TrackField> = new Map(trackFields.map((field) => [field, field]));

/** The values of a snapshot by the answers that they are from, both in the order in which they come. */
export function valuesByAnswer(snapshot: Snapshot): readonly ValuesOfAnswer[] {
  const known: Known[] = [];
  for (const [name, source] of Object.entries(snapshot as Readonly<Record<string, unknown>>)) {
    const field = fields.get(name);
    if (source === undefined || field === undefined) continue;
    const { value, ...answer } = Object(source) as ValueSource<unknown>;
    ofAnswer(known, answer).values.push({ field, value });
  }
  return known;
}

function ofAnswer(known: Known[], { provider, eventId, revision, confidence }: Answer): Known {
  for (const one of known) {
    if (one.eventId !== eventId || one.provider !== provider) continue;
    if (one.revision === revision && one.confidence === confidence) return one;
  }
  const added = { provider, eventId, revision, confidence, values: [] };
  known.push(added);
  return added;
}

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
  const known: Known[] = [];
  /** The same, by how they are written. */
  const written: string[] = [];
  const byText: Known[] = [];
  for (let from = at; ; ) {
    sourced.lastIndex = from;
    const found = sourced.exec(data);
    if (found === null) return null;
    const [all, name = '', text, digits, told = '', ends] = found;
    const field = fields.get(name);
    if (field === undefined) return null;
    let n = written.indexOf(told);
    if (n < 0) {
      n = written.push(told) - 1;
      byText.push(ofAnswer(known, JSON.parse(`{${told}}`) as Answer));
    }
    byText[n]?.values.push({ field, value: text === undefined ? Number(digits) : textOf(text) });
    from += all.length;
    if (ends === '}') return { snapshot: known, end: from };
  }
}
