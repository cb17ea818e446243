import { type GateLimits, intervalMs } from './gate-limits.ts';

export const dayMs = 24 * 3600 * 1000;

/** What a provider's gate remembers; see `provider-gate.ts`. */
export interface GateState {
  /** When it began to remember. Slots and knowledge of another life are void. */
  readonly bornAtMs: number;
  /** When it was looked at last. */
  readonly asOfMs: number;
  /** The next slot that nobody has. */
  readonly nextSlotAtMs: number;
  /** From when on the backlog's own share is due. */
  readonly backlogDueAtMs: number;
  readonly closedUntilMs: number;
  /** Who closed it last: `provider`, `failures`, or the name of an operator; empty before the first closure. */
  readonly closedBy: string;
  /** Failures in a row since the last answer. */
  readonly failures: number;
  /** Closures by failure in a row; above 0, the end of a closure admits one probe. */
  readonly closures: number;
  /** Until when a probe is under way; 0: none is. */
  readonly probeUntilMs: number;
  /** When an operator opened it last; 0: never. */
  readonly openedAtMs: number;
  /** The day, counted from 1970 by UTC, that the budget is spent on. */
  readonly day: number;
  /** Slots given on that day. */
  readonly spent: number;
  /** Those that an earlier life gave on that day, as far as somebody told. */
  readonly spentBefore: number;
}

/** A gate without memory starts one interval late, so that a restart never breaks the rate. */
export function newGate(limits: GateLimits, nowMs: number): GateState {
  return {
    bornAtMs: nowMs,
    asOfMs: nowMs,
    nextSlotAtMs: nowMs + intervalMs(limits),
    backlogDueAtMs: nowMs,
    closedUntilMs: 0,
    closedBy: '',
    failures: 0,
    closures: 0,
    probeUntilMs: 0,
    openedAtMs: 0,
    day: dayOf(nowMs),
    spent: 0,
    spentBefore: 0,
  };
}

/**
 * The gate at this moment: a new day has a new budget, and a clock that was set back moves all that lies ahead with
 * it, since nobody should wait for the time between. A clock that was set forward looks like time that passed.
 */
export function lookedAt(state: GateState, nowMs: number): GateState {
  const backMs = Math.max(0, state.asOfMs - nowMs);
  const day = dayOf(nowMs);
  const isNewDay = day > state.day;
  return {
    ...state,
    asOfMs: nowMs,
    nextSlotAtMs: state.nextSlotAtMs - backMs,
    backlogDueAtMs: state.backlogDueAtMs - backMs,
    closedUntilMs: state.closedUntilMs - backMs,
    probeUntilMs: state.probeUntilMs - backMs,
    openedAtMs: state.openedAtMs - backMs,
    day,
    spent: isNewDay ? 0 : state.spent,
    spentBefore: isNewDay ? 0 : state.spentBefore,
  };
}

/** What a caller knows of a gate from its last look at it. */
export interface KnownGate {
  readonly bornAtMs: number;
  /** How much longer it is closed, and by whom. */
  readonly closedForMs: number;
  readonly closedBy: string;
  readonly closures: number;
  readonly day: number;
  /** Slots given on that day, in all lives. */
  readonly spent: number;
  /** How long ago that look was. */
  readonly agoMs: number;
}

/** Fills in a gate that lost its memory with what a caller knows of an earlier life. */
export function recall(before: GateState, known: KnownGate, nowMs: number): GateState {
  const state = lookedAt(before, nowMs);
  if (known.bornAtMs === state.bornAtMs) return state;
  const spentBefore = known.day === state.day ? Math.max(state.spentBefore, known.spent) : state.spentBefore;
  // An operator who opened it since then knew what he did.
  if (state.openedAtMs > nowMs - known.agoMs) return { ...state, spentBefore };
  const closedUntilMs = nowMs + known.closedForMs;
  const closures = Math.max(state.closures, known.closures);
  if (known.closedForMs <= 0 || closedUntilMs <= state.closedUntilMs) {
    return { ...state, spentBefore, closures };
  }
  return { ...state, spentBefore, closures, closedUntilMs, closedBy: known.closedBy };
}

/** The day of a time, counted from 1970 by UTC. */
function dayOf(nowMs: number): number {
  return Math.floor(nowMs / dayMs);
}
