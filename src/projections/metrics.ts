import { callPriceMicroUsd, type Provider } from '../domain/provider.ts';
import type { SkimmedEvent } from '../ledger/skimmed-event.ts';
import type { MetricsRow } from './schema.ts';

/** What can be counted of a provider's hour. */
export type Counts = Omit<MetricsRow, 'provider' | 'hour'>;
export type CountName = keyof Counts;

/** What one event adds to the counts of an hour. */
export interface Increment {
  readonly provider: Provider;
  /** When the hour began, ISO 8601. */
  readonly hour: string;
  readonly counts: Partial<Counts>;
}

const outcomes = ['found', 'missing', 'misused', 'unauthorised', 'throttled', 'unavailable'] as const;

/** The histogram's limits and their columns. */
export const latencyColumns = [
  [50, 'within50Ms'],
  [100, 'within100Ms'],
  [250, 'within250Ms'],
  [500, 'within500Ms'],
  [1000, 'within1000Ms'],
  [2500, 'within2500Ms'],
  [5000, 'within5000Ms'],
  [10_000, 'within10000Ms'],
  [30_000, 'within30000Ms'],
] as const satisfies readonly (readonly [number, CountName])[];

/**
 * What an event adds; null: nothing. A call counts in the hour in which it was made, also where its answer came too
 * late to count for the track.
 *
 * @throws RangeError for a call that says what no call can say
 */
export function incrementOf(event: SkimmedEvent): Increment | null {
  if (event.type === 'CacheHit') {
    const { provider, via } = event.data;
    const counts = via === 'cache' ? { cacheHits: 1 } : { flightHits: 1 };
    return { provider, hour: hourOf(event.meta.occurredAt), counts };
  }
  if (event.type !== 'ApiCalled') return null;
  const { provider, outcome, calledAt } = event.data;
  const durationMs = Math.round(event.data.durationMs);
  if (!outcomes.includes(outcome.kind)) throw new RangeError(`no outcome is called "${outcome.kind}"`);
  if (!Number.isSafeInteger(durationMs) || durationMs < 0)
    throw new RangeError(`no call takes ${event.data.durationMs} ms`);
  const counts: { [Name in CountName]?: number } = {
    calls: 1,
    [outcome.kind]: 1,
    durationMsSum: durationMs,
    costMicroUsd: callPriceMicroUsd[provider],
  };
  for (const [limitMs, column] of latencyColumns) if (durationMs <= limitMs) counts[column] = 1;
  return { provider, hour: hourOf(calledAt), counts };
}

/** ISO 8601 times in UTC tell their hour by their first letters. */
function hourOf(time: string): string {
  if (/^\d{4}-\d\d-\d\dT\d\d:.*Z$/.test(time)) return `${time.slice(0, 13)}:00:00.000Z`;
  const at = Date.parse(time);
  if (Number.isNaN(at)) throw new RangeError(`"${time}" is no time`);
  return `${new Date(at).toISOString().slice(0, 13)}:00:00.000Z`;
}
