import type { Lane } from './priority.ts';

/**
 * The pure model of one provider's gate: rate (one slot an interval), "closed until", closures that grow while a
 * provider keeps failing, with a single probe at the end of each, and real-time work before the backlog. Every
 * adapter behaves as this model does. Times are milliseconds of one clock.
 */
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
}

export const defaultGateLimits: Omit<GateLimits, 'ratePerSecond'> = {
  failuresToClose: 5,
  closureMsMin: 5000,
  closureMsMax: 15 * 60_000,
  probeMsMax: 30_000,
};

/** The backlog gets at least one slot in this many, however much real-time work there is. */
export const backlogSlotEvery = 10;

export interface GateState {
  /** The next slot that nobody has. */
  readonly nextSlotAtMs: number;
  /** From when on the backlog's own share is due. */
  readonly backlogDueAtMs: number;
  readonly closedUntilMs: number;
  /** Failures in a row since the last answer. */
  readonly failures: number;
  /** Closures by failure in a row; above 0, the end of a closure admits one probe. */
  readonly closures: number;
  /** Until when a probe is under way; 0: none is. */
  readonly probeUntilMs: number;
}

/** A gate without memory starts one interval late, so that a restart never breaks the rate. */
export function newGate(limits: GateLimits, nowMs: number): GateState {
  return {
    nextSlotAtMs: nowMs + intervalMs(limits),
    backlogDueAtMs: nowMs,
    closedUntilMs: 0,
    failures: 0,
    closures: 0,
    probeUntilMs: 0,
  };
}

export type Admission =
  /** The slot at `atMs` is the caller's. */
  | { readonly kind: 'slot'; readonly atMs: number; readonly probe: boolean }
  /** Nothing was reserved; asking again before `atMs` is pointless. */
  | { readonly kind: 'later'; readonly atMs: number; readonly why: 'rate' | 'closed' };

/** Reserves the next slot within the patience, or says when to ask again. It always answers at once. */
export function admit(
  state: GateState,
  limits: GateLimits,
  ask: { readonly lane: Lane; readonly patienceMs: number; readonly nowMs: number },
): readonly [GateState, Admission] {
  const { lane, patienceMs, nowMs } = ask;
  if (nowMs < state.closedUntilMs) return [state, later(state.closedUntilMs, 'closed')];
  if (nowMs < state.probeUntilMs) return [state, later(state.probeUntilMs, 'closed')];
  const atMs = Math.max(nowMs, state.nextSlotAtMs);
  if (atMs - nowMs > patienceMs) return [state, later(atMs, 'rate')];
  const contended = state.nextSlotAtMs > nowMs;
  if (lane === 'backlog' && contended && state.backlogDueAtMs > atMs) {
    // Real-time work moves the next slot by one interval at a time, so its share is not due before that; and when the
    // slot begins without having been taken, nobody wanted it.
    const dueInMs = Math.max(intervalMs(limits), state.backlogDueAtMs - atMs);
    return [state, later(Math.min(atMs, nowMs + dueInMs), 'rate')];
  }
  const probe = state.closures > 0;
  return [
    {
      ...state,
      nextSlotAtMs: atMs + intervalMs(limits),
      backlogDueAtMs:
        lane === 'backlog' ? atMs + backlogSlotEvery * intervalMs(limits) : state.backlogDueAtMs,
      probeUntilMs: probe ? atMs + limits.probeMsMax : 0,
    },
    { kind: 'slot', atMs, probe },
  ];
}

/** What a call says about its provider's health. */
export type GateReport =
  /** It answered: found, missing, or a refusal that is our own mistake. */
  | { readonly kind: 'answered' }
  | { readonly kind: 'failed' }
  /** It asked us to stay away. */
  | { readonly kind: 'throttled'; readonly retryAfterMs: number }
  /** It says nothing about health, such as one shed request. */
  | { readonly kind: 'neutral' };

export function report(state: GateState, limits: GateLimits, said: GateReport, nowMs: number): GateState {
  switch (said.kind) {
    case 'answered':
      return { ...state, failures: 0, closures: 0, probeUntilMs: 0 };
    case 'throttled':
      return {
        ...state,
        probeUntilMs: 0,
        closedUntilMs: Math.max(state.closedUntilMs, nowMs + said.retryAfterMs),
      };
    case 'neutral':
      return { ...state, probeUntilMs: 0 };
    case 'failed': {
      // Calls that were under way when the gate closed tell nothing new.
      if (nowMs < state.closedUntilMs) return state;
      const failures = state.failures + 1;
      if (state.closures === 0 && failures < limits.failuresToClose) return { ...state, failures };
      const closureMs = Math.min(limits.closureMsMin * 2 ** state.closures, limits.closureMsMax);
      return {
        ...state,
        failures,
        closures: state.closures + 1,
        probeUntilMs: 0,
        closedUntilMs: nowMs + closureMs,
      };
    }
    default:
      return said satisfies never;
  }
}

/** Whether a slot that was waited for may still be used: the gate can have closed meanwhile. */
export function mayEnter(state: GateState, probe: boolean, nowMs: number): boolean {
  return nowMs >= state.closedUntilMs && (probe || state.closures === 0);
}

export type CircuitState = 'closed' | 'half-open' | 'open';

/** The state in a circuit breaker's words: open means that calls are refused. */
export function circuitState(state: GateState, nowMs: number): CircuitState {
  if (nowMs < state.closedUntilMs) return 'open';
  return state.closures > 0 ? 'half-open' : 'closed';
}

function later(atMs: number, why: 'rate' | 'closed'): Admission {
  return { kind: 'later', atMs, why };
}

function intervalMs(limits: GateLimits): number {
  return 1000 / limits.ratePerSecond;
}
