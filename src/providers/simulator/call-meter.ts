import { type Provider, providers } from '../../domain/provider.ts';

/** What one provider saw of its caller. */
export interface MeterReport {
  readonly calls: number;
  readonly answered: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Calls that came before the rate allowed them. */
  readonly violations: number;
  /** The least time between two calls, in milliseconds; null before the second. */
  readonly closestMs: number | null;
}

/**
 * So much earlier is still in time: half an interval, within these bounds. Real limiters count over a second or more,
 * and what is measured here is when a call arrives in a busy process, not when it was made. It does not add up: the
 * next call is due an interval later all the same. And two calls at once are never in time at the real rates.
 */
const toleranceMsMin = 50;
const toleranceMsMax = 100;

export function createMeter(ratesPerSecond: Readonly<Record<Provider, number>>) {
  const meters = Object.fromEntries(
    providers.map((provider) => [
      provider,
      {
        calls: 0,
        answered: 0,
        byStatus: {} as Record<string, number>,
        violations: 0,
        closestMs: null as number | null,
        lastMs: Number.NEGATIVE_INFINITY,
        dueMs: Number.NEGATIVE_INFINITY,
      },
    ]),
  ) as Record<
    Provider,
    {
      calls: number;
      answered: number;
      byStatus: Record<string, number>;
      violations: number;
      closestMs: number | null;
      lastMs: number;
      dueMs: number;
    }
  >;
  return {
    /** Counts a call; false: it came too early. */
    arrived(provider: Provider, nowMs: number): boolean {
      const meter = meters[provider];
      const intervalMs = 1000 / ratesPerSecond[provider];
      meter.calls += 1;
      if (Number.isFinite(meter.lastMs))
        meter.closestMs = Math.min(meter.closestMs ?? Number.POSITIVE_INFINITY, nowMs - meter.lastMs);
      meter.lastMs = nowMs;
      const toleranceMs = Math.min(toleranceMsMax, Math.max(toleranceMsMin, intervalMs / 2));
      if (nowMs < meter.dueMs - toleranceMs) {
        meter.violations += 1;
        return false;
      }
      meter.dueMs = Math.max(nowMs, meter.dueMs) + intervalMs;
      return true;
    },
    answered(provider: Provider, status: number): void {
      const meter = meters[provider];
      meter.answered += 1;
      meter.byStatus[status] = (meter.byStatus[status] ?? 0) + 1;
    },
    report(): Readonly<Record<Provider, MeterReport>> {
      return Object.fromEntries(
        providers.map((provider) => {
          const { calls, answered, byStatus, violations, closestMs } = meters[provider];
          return [provider, { calls, answered, byStatus: { ...byStatus }, violations, closestMs }];
        }),
      ) as Record<Provider, MeterReport>;
    },
  };
}
