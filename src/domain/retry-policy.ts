/** How often and when a task is tried again. All durations in milliseconds. */
export interface RetryPolicy {
  /** A hop that fails for the n-th time, n = `attemptsMax`, ends the task. */
  readonly attemptsMax: number;
  /** The wait after the first failure. */
  readonly initialDelayMs: number;
  /** The longest wait that a fault may cause; a provider's own Retry-After may be longer. */
  readonly faultDelayMsMax: number;
  /** A task older than this at a hop ends. */
  readonly ageMsMax: number;
  /** A hop delivered this often without a decision ends the task: it kills its worker. */
  readonly deliveriesMax: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  attemptsMax: 5,
  initialDelayMs: 1000,
  faultDelayMsMax: 60_000,
  ageMsMax: 30 * 24 * 3600 * 1000,
  deliveriesMax: 5,
};

/** The tiers that a task can wait in. */
export const waitTiersMs = [1000, 5000, 15_000, 60_000, 300_000, 1_800_000, 14_400_000] as const;

/** The share of a wait that chance may take off, so that what failed together does not come back together. */
export const jitterShare = 0.3;

/**
 * The wait after the `attempt`-th failure (from 1): the tiers from `initialDelayMs` up to `faultDelayMsMax`,
 * less up to `jitterShare` of it.
 *
 * @param random from 0 to below 1
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: number): number {
  const tiers = waitTiersMs.filter((ms) => ms >= policy.initialDelayMs && ms <= policy.faultDelayMsMax);
  const delays = tiers.length === 0 ? [policy.initialDelayMs] : tiers;
  const delay = delays[Math.min(attempt, delays.length) - 1] ?? policy.initialDelayMs;
  return Math.round(delay * (1 - jitterShare * random));
}

/** The wait tier for a delay: the longest that does not exceed it, at least the shortest. */
export function waitTierMs(delayMs: number): number {
  return waitTiersMs.findLast((tier) => tier <= delayMs) ?? waitTiersMs[0];
}
