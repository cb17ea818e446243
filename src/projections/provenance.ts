import type { Provider } from '../domain/provider.ts';
import type { ValuesOfAnswer } from '../ledger/skimmed-event.ts';
import { integerOf, numberOf, textOf } from './storable.ts';
import { columnOf } from './track-columns.ts';
import { checkTrackValue } from './track-value.ts';

/** Where the value of a column comes from. */
export interface ColumnProvenance {
  readonly provider: Provider;
  /** The `ApiCalled` or `CacheHit` that recorded the answer, and its revision in the track's stream. */
  readonly eventId: string;
  readonly revision: number;
  /** 0 to 1. */
  readonly confidence: number;
}

/** @throws RangeError where they hold what the table cannot */
export function checkAnswers(answers: readonly ValuesOfAnswer[]): void {
  for (const { provider, eventId, revision, confidence, values } of answers) {
    textOf('provider', provider);
    textOf('eventId', eventId);
    integerOf('revision', revision);
    numberOf('confidence', confidence);
    for (const { field, value } of values) checkTrackValue(field, value);
  }
}

/** The provenance of each column. */
export function provenanceOf(answers: readonly ValuesOfAnswer[]): Record<string, ColumnProvenance> {
  const columns: Record<string, ColumnProvenance> = {};
  for (const { values, ...source } of answers) {
    for (const { field } of values) columns[columnOf(field)] = source;
  }
  return columns;
}

/** The same as JSON. The keys of an answer come in the order in which PostgreSQL keeps them, which spares it sorting. */
export function provenanceJson(answers: readonly ValuesOfAnswer[]): string {
  const columns: string[] = [];
  for (const { provider, eventId, revision, confidence, values } of answers) {
    const source = JSON.stringify({ eventId, provider, revision, confidence });
    for (const { field } of values) columns.push(`"${columnOf(field)}":${source}`);
  }
  return `{${columns.join()}}`;
}
