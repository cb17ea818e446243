import { dayMs, type GateState } from './gate-state.ts';
import type { Lane } from './priority.ts';

/** The share of a day's calls that the backlog leaves to real-time work, however late in the day. */
const realTimeOnlyShare = 0.2;

/** How many of a day's calls may have been made before a lane makes none. */
export function budgetOf(callsPerDay: number, lane: Lane): number {
  if (lane === 'real-time' || callsPerDay === Number.POSITIVE_INFINITY) return callsPerDay;
  return callsPerDay - Math.floor(callsPerDay * realTimeOnlyShare);
}

/** When the budget of a lane lets calls through again; 0: it does. */
export function budgetOpensAtMs(state: GateState, callsPerDay: number, lane: Lane): number {
  const isSpent = state.spent + state.spentBefore >= budgetOf(callsPerDay, lane);
  return isSpent ? (state.day + 1) * dayMs : 0;
}

/** A slot was given, whether it will be used or not. */
export function spend(state: GateState): GateState {
  return { ...state, spent: state.spent + 1 };
}
