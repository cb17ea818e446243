import { type Provider, providers } from '../domain/provider.ts';

/**
 * Keeps the calls of this process apart where they start. A gate gives slots by the clock, but whoever has one may
 * come late to it, because the process was busy; then the next one, which is in time, would follow too closely.
 */
export interface CallPace {
  /**
   * 0: the call starts now. Else in how many milliseconds to ask again; nothing is taken, because whoever waits may
   * come late once more.
   */
  start(provider: Provider): number;
}

/** So much too close is in time: without it the lateness of every timer would add up to a lower rate. */
const toleranceMsMax = 5;
const toleranceShare = 0.1;

export function createCallPace(options: {
  readonly ratePerSecond: Readonly<Record<Provider, number>>;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}): CallPace {
  const { ratePerSecond, now = () => performance.now() } = options;
  const dueMs = Object.fromEntries(providers.map((one) => [one, Number.NEGATIVE_INFINITY])) as Record<
    Provider,
    number
  >;
  return {
    start(provider) {
      const nowMs = now();
      const intervalMs = 1000 / ratePerSecond[provider];
      const inMs = dueMs[provider] - nowMs;
      if (inMs > Math.min(toleranceMsMax, intervalMs * toleranceShare)) return inMs;
      dueMs[provider] = Math.max(nowMs, dueMs[provider]) + intervalMs;
      return 0;
    },
  };
}
