/** What a provider allows, and when its gate closes by itself. */
export interface GateLimits {
  /** Calls a second; Infinity lifts the rate. */
  readonly ratePerSecond: number;
  /** This many failures in a row close the gate. */
  readonly failuresToClose: number;
  /** The first closure; each following one is twice as long. */
  readonly closureMsMin: number;
  readonly closureMsMax: number;
  /** A probe that nobody reported on for this long is given up. */
  readonly probeMsMax: number;
  /** Calls a day, by UTC; Infinity: as many as the rate allows. */
  readonly callsPerDay: number;
}

export const defaultGateLimits: Omit<GateLimits, 'ratePerSecond'> = {
  failuresToClose: 5,
  closureMsMin: 5000,
  closureMsMax: 15 * 60_000,
  probeMsMax: 30_000,
  callsPerDay: Number.POSITIVE_INFINITY,
};

/** The time between two slots, in milliseconds. */
export function intervalMs(limits: GateLimits): number {
  return 1000 / limits.ratePerSecond;
}
