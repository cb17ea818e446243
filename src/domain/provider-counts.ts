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

/** The limits of the latency histogram, the longest first: calls that took at most so long, in milliseconds. */
const limits = [
  [30_000, 'within30000Ms'],
  [10_000, 'within10000Ms'],
  [5000, 'within5000Ms'],
  [2500, 'within2500Ms'],
  [1000, 'within1000Ms'],
  [500, 'within500Ms'],
  [250, 'within250Ms'],
  [100, 'within100Ms'],
  [50, 'within50Ms'],
] as const satisfies readonly (readonly [number, CountName])[];

/** Counts that grow. */
export type Counts = { [Name in CountName]: number };

/** Written out: to change what was made so is cheap, and a rebuild does it with most events. */
export function noCounts(): Counts {
  return {
    calls: 0,
    found: 0,
    missing: 0,
    misused: 0,
    unauthorised: 0,
    throttled: 0,
    unavailable: 0,
    cacheHits: 0,
    flightHits: 0,
    costMicroUsd: 0,
    durationMsSum: 0,
    within50Ms: 0,
    within100Ms: 0,
    within250Ms: 0,
    within500Ms: 0,
    within1000Ms: 0,
    within2500Ms: 0,
    within5000Ms: 0,
    within10000Ms: 0,
    within30000Ms: 0,
  };
}

/**
 * What an event adds.
 *
 * @throws RangeError for a call that says what no call can say
 */
export function countsOf(event: CountedEvent): HourCounts {
  checkCounted(event);
  const all = noCounts();
  addTo(all, event);
  const counts = Object.fromEntries(Object.entries(all).filter(([, count]) => count !== 0));
  return { provider: event.data.provider, hour: hourOf(event), counts };
}

/** @throws RangeError for a call that says what no call can say */
export function checkCounted(event: CountedEvent): void {
  if (event.type === 'CacheHit') return;
  const { outcome, durationMs } = event.data;
  if (!outcomes.includes(outcome.kind)) throw new RangeError(`no outcome is called "${outcome.kind}"`);
  const ms = Math.round(durationMs);
  if (!(ms >= 0 && ms <= durationMsMax)) throw new RangeError(`no call takes ${durationMs} ms`);
}

/** Adds what an event counts for that `checkCounted` took. */
export function addTo(counts: Counts, event: CountedEvent): void {
  if (event.type === 'CacheHit') {
    if (event.data.via === 'cache') counts.cacheHits += 1;
    else counts.flightHits += 1;
    return;
  }
  const { provider, outcome } = event.data;
  const durationMs = Math.round(event.data.durationMs);
  counts.calls += 1;
  counts[outcome.kind] += 1;
  counts.durationMsSum += durationMs;
  counts.costMicroUsd += callPriceMicroUsd[provider] ?? 0;
  for (const [limitMs, name] of limits) {
    if (durationMs > limitMs) return;
    counts[name] += 1;
  }
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

/**
 * When the hour began in which an event counts, ISO 8601: a call counts in the hour in which it was made, also where its
 * answer came too late to count for the track.
 *
 * @throws RangeError where its time is none
 */
export function hourOf(event: CountedEvent): string {
  const time = event.type === 'CacheHit' ? event.meta.occurredAt : event.data.calledAt;
  // ISO 8601 times in UTC tell their hour by their first letters.
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time)) return `${time.slice(0, 13)}:00:00.000Z`;
  const at = Date.parse(time);
  if (Number.isNaN(at)) throw new RangeError(`"${time}" is no time`);
  return `${new Date(at).toISOString().slice(0, 13)}:00:00.000Z`;
}
