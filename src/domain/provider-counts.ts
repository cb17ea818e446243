import type { Outcome } from './answer.ts';
import { callPriceMicroUsd, type Provider } from './provider.ts';

/** What is counted of a provider's hour; whole numbers, so that the order of adding changes nothing. */
export const countNames = [
  'calls',
  'found',
  'missing',
  'misused',
  'unauthorised',
  'throttled',
  'unavailable',
  'cacheHits',
  'flightHits',
  'costMicroUsd',
  'durationMsSum',
  'within50Ms',
  'within100Ms',
  'within250Ms',
  'within500Ms',
  'within1000Ms',
  'within2500Ms',
  'within5000Ms',
  'within10000Ms',
  'within30000Ms',
] as const;

export type CountName = (typeof countNames)[number];

/** What is added to the counts of one provider's hour. */
export interface HourCounts {
  readonly provider: Provider;
  /** When the hour began, ISO 8601. */
  readonly hour: string;
  readonly counts: { readonly [Name in CountName]?: number };
}

/** As much of an event as is counted. */
export type CountedEvent = { readonly meta: { readonly occurredAt: string } } & (
  | {
      readonly type: 'CacheHit';
      readonly data: { readonly provider: Provider; readonly via: 'cache' | 'flight' };
    }
  | {
      readonly type: 'ApiCalled';
      readonly data: {
        readonly provider: Provider;
        readonly outcome: { readonly kind: Outcome['kind'] };
        readonly durationMs: number;
        readonly calledAt: string;
      };
    }
);

const outcomes = ['found', 'missing', 'misused', 'unauthorised', 'throttled', 'unavailable'] as const;

/** A day: sums stay exact. */
const durationMsMax = 24 * 3600 * 1000;

/** The limits of the latency histogram: calls that took at most so long, in milliseconds. */
const limits = [
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
 * What an event adds. A call counts in the hour in which it was made, also where its answer came too late to count for
 * the track.
 *
 * @throws RangeError for a call that says what no call can say
 */
export function countsOf(event: CountedEvent): HourCounts {
  if (event.type === 'CacheHit') {
    const { provider, via } = event.data;
    const counts = via === 'cache' ? { cacheHits: 1 } : { flightHits: 1 };
    return { provider, hour: hourOf(event.meta.occurredAt), counts };
  }
  const { provider, outcome, calledAt } = event.data;
  const durationMs = Math.round(event.data.durationMs);
  if (!outcomes.includes(outcome.kind)) throw new RangeError(`no outcome is called "${outcome.kind}"`);
  if (!(durationMs >= 0 && durationMs <= durationMsMax))
    throw new RangeError(`no call takes ${event.data.durationMs} ms`);
  const counts: { [Name in CountName]?: number } = {
    calls: 1,
    [outcome.kind]: 1,
    durationMsSum: durationMs,
    costMicroUsd: callPriceMicroUsd[provider] ?? 0,
  };
  for (const [limitMs, name] of limits) if (durationMs <= limitMs) counts[name] = 1;
  return { provider, hour: hourOf(calledAt), counts };
}

/** The counts of several by provider and hour, each hour once. */
export function sumCounts(several: Iterable<HourCounts>): readonly HourCounts[] {
  const hours = new Map<string, HourCounts & { readonly counts: { [Name in CountName]?: number } }>();
  for (const { provider, hour, counts } of several) {
    const key = `${provider} ${hour}`;
    const sum = hours.get(key) ?? { provider, hour, counts: {} };
    for (const name of countNames) {
      const more = counts[name] ?? 0;
      if (more !== 0) sum.counts[name] = (sum.counts[name] ?? 0) + more;
    }
    hours.set(key, sum);
  }
  return [...hours.values()];
}

/** ISO 8601 times in UTC tell their hour by their first letters. */
function hourOf(time: string): string {
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time)) return `${time.slice(0, 13)}:00:00.000Z`;
  const at = Date.parse(time);
  if (Number.isNaN(at)) throw new RangeError(`"${time}" is no time`);
  return `${new Date(at).toISOString().slice(0, 13)}:00:00.000Z`;
}
