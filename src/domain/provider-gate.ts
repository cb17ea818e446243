import { budgetOpensAtMs, spend } from './gate-budget.ts';
import { type GateLimits, intervalMs } from './gate-limits.ts';
import { type GateState, lookedAt } from './gate-state.ts';
import type { Lane } from './priority.ts';

/*
 * The pure model of one provider's gate: rate (one slot an interval), "closed until", closures that grow while a
 * provider keeps failing, with a single probe at the end of each, a budget of calls a day, and real-time work before
 * the backlog. Every adapter behaves as this model does. Times are milliseconds of one clock, since 1970 where there
 * is a budget.
 */

/** The backlog gets at least one slot in this many, however much real-time work there is. */
export const backlogSlotEvery = 10;

export type Admission =
  /** The slot at `atMs` is the caller's. */
  | { readonly kind: 'slot'; readonly atMs: number; readonly probe: boolean }
  /** Nothing was reserved; asking again before `atMs` is pointless. */
  | { readonly kind: 'later'; readonly atMs: number; readonly why: 'rate' | 'closed' };

export interface Ask {
  readonly lane: Lane;
  readonly patienceMs: number;
  readonly nowMs: number;
  /** How late the caller may come to its slot: the next one is so much later. */
  readonly lateMs?: number;
}

/** Reserves the next slot within the patience, or says when to ask again. It always answers at once. */
export function admit(before: GateState, limits: GateLimits, ask: Ask): readonly [GateState, Admission] {
  const { lane, patienceMs, nowMs, lateMs = 0 } = ask;
  const state = lookedAt(before, nowMs);
  if (nowMs < state.closedUntilMs) return [state, later(state.closedUntilMs, 'closed')];
  if (nowMs < state.probeUntilMs) return [state, later(state.probeUntilMs, 'closed')];
  const budgetAtMs = budgetOpensAtMs(state, limits.callsPerDay, lane);
  if (nowMs < budgetAtMs) return [state, later(budgetAtMs, 'closed')];
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
      ...spend(state),
      nextSlotAtMs: atMs + intervalMs(limits) + lateMs,
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

export function report(before: GateState, limits: GateLimits, said: GateReport, nowMs: number): GateState {
  const state = lookedAt(before, nowMs);
  switch (said.kind) {
    case 'answered':
      return { ...state, failures: 0, closures: 0, probeUntilMs: 0 };
    case 'throttled':
      return { ...closed(state, nowMs + said.retryAfterMs, 'provider'), probeUntilMs: 0 };
    case 'neutral':
      return { ...state, probeUntilMs: 0 };
    case 'failed': {
      // Calls that were under way when the gate closed tell nothing new.
      if (nowMs < state.closedUntilMs) return state;
      const failures = state.failures + 1;
      if (state.closures === 0 && failures < limits.failuresToClose) return { ...state, failures };
      const closureMs = Math.min(limits.closureMsMin * 2 ** state.closures, limits.closureMsMax);
      return {
        ...closed(state, nowMs + closureMs, 'failures'),
        failures,
        closures: state.closures + 1,
        probeUntilMs: 0,
      };
    }
    default:
      return said satisfies never;
  }
}

/** An operator keeps everybody away; whoever keeps them away for longer goes on doing so. */
export function shut(state: GateState, forMs: number, by: string, nowMs: number): GateState {
  return closed(lookedAt(state, nowMs), nowMs + forMs, by);
}

/** An operator lets calls through again, whatever closed the gate. A budget stays spent. */
export function open(state: GateState, nowMs: number): GateState {
  return {
    ...lookedAt(state, nowMs),
    closedUntilMs: 0,
    closedBy: '',
    failures: 0,
    closures: 0,
    probeUntilMs: 0,
    openedAtMs: nowMs,
  };
}

/** Whether a slot that was waited for may still be used: the gate can have closed meanwhile. */
export function mayEnter(state: GateState, probe: boolean, nowMs: number): boolean {
  return nowMs >= state.closedUntilMs && (probe || state.closures === 0);
}

export type CircuitState = 'closed' | 'half-open' | 'open';

/** The state in a circuit breaker's words: open means that calls are refused. */
export function circuitState(state: GateState, limits: GateLimits, nowMs: number): CircuitState {
  const budgetAtMs = budgetOpensAtMs(state, limits.callsPerDay, 'real-time');
  if (nowMs < Math.max(state.closedUntilMs, budgetAtMs)) return 'open';
  return state.closures > 0 ? 'half-open' : 'closed';
}

function closed(state: GateState, untilMs: number, by: string): GateState {
  return untilMs > state.closedUntilMs ? { ...state, closedUntilMs: untilMs, closedBy: by } : state;
}

function later(atMs: number, why: 'rate' | 'closed'): Admission {
  return { kind: 'later', atMs, why };
}
