import { callPriceMicroUsd, type Provider } from '../domain/provider.ts';
import type { SkimmedEvent } from '../ledger/skim.ts';
import type { MetricsRow } from './schema.ts';
import { keyOf, refused, timeOf } from './storable.ts';

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
    const { via } = event.data;
    const provider = keyOf('provider', event.data.provider) as Provider;
    const counts = via === 'cache' ? { cacheHits: 1 } : { flightHits: 1 };
    return { provider, hour: hourOf('occurredAt', event.meta.occurredAt), counts };
  }
  if (event.type !== 'ApiCalled') return null;
  const { outcome, calledAt } = event.data;
  const provider = keyOf('provider', event.data.provider) as Provider;
  const durationMs = Math.round(event.data.durationMs);
  if (!outcomes.includes(outcome.kind)) throw new RangeError(`no outcome is called "${outcome.kind}"`);
  if (!(durationMs >= 0 && durationMs <= durationMsMax)) {
    throw refused('durationMs', event.data.durationMs, 'is not how long a call takes');
  }
  const counts: { [Name in CountName]?: number } = {
    calls: 1,
    [outcome.kind]: 1,
    durationMsSum: durationMs,
    costMicroUsd: callPriceMicroUsd[provider] ?? 0,
  };
  for (const [limitMs, column] of latencyColumns) if (durationMs <= limitMs) counts[column] = 1;
  return { provider, hour: hourOf('calledAt', calledAt), counts };
}

/** The sums of a batch stay exact. */
const durationMsMax = 24 * 3600 * 1000;

/** Times in UTC tell their hour by their first letters. */
function hourOf(name: string, time: unknown): string {
  return `${timeOf(name, time).slice(0, 13)}:00:00.000Z`;
}
