import { budgetOf } from '../domain/gate-budget.ts';
import { type GateLimits, intervalMs } from '../domain/gate-limits.ts';
import type { KnownGate } from '../domain/gate-state.ts';
import { backlogSlotEvery } from '../domain/provider-gate.ts';

/** The gate as the script's answer tells it; times are Redis'. */
export interface GateAnswer {
  readonly kind: string;
  /** Of a slot, or when to ask again, in milliseconds from now. */
  readonly inMs: number;
  readonly extra: string;
  readonly nowMs: number;
  readonly nextSlotAtMs: number;
  readonly closedUntilMs: number;
  readonly probeUntilMs: number;
  readonly closures: number;
  /** When it was born, as text: which life of the gate answers. */
  readonly life: string;
  readonly day: number;
  readonly spent: number;
  readonly budgetOpensAtMs: number;
  readonly closedBy: string;
}

/** The second argument of the script. What is undefined does not stand in JSON. */
export function questionOf(
  limits: GateLimits,
  more: {
    readonly nowMs: number | undefined;
    readonly known: KnownGate | undefined;
    readonly unheardForMs: number | undefined;
  },
): string {
  const { failuresToClose, closureMsMin, closureMsMax, probeMsMax, callsPerDay } = limits;
  const budget = (lane: 'real-time' | 'backlog') =>
    callsPerDay === Number.POSITIVE_INFINITY ? undefined : budgetOf(callsPerDay, lane);
  return JSON.stringify({
    intervalMs: intervalMs(limits),
    failuresToClose,
    closureMsMin,
    closureMsMax,
    probeMsMax,
    backlogSlotEvery,
    budgets: { 'real-time': budget('real-time'), backlog: budget('backlog') },
    ...more,
  });
}

export function readGateAnswer(said: readonly string[]): GateAnswer {
  const [
    kind = '',
    at,
    extra = '',
    now,
    next,
    closed,
    probe,
    closures,
    life = '',
    day,
    spent,
    budget,
    by = '',
  ] = said;
  return {
    kind,
    inMs: Number(at) - Number(now),
    extra,
    nowMs: Number(now),
    nextSlotAtMs: Number(next),
    closedUntilMs: Number(closed),
    probeUntilMs: Number(probe),
    closures: Number(closures),
    life,
    day: Number(day),
    spent: Number(spent),
    budgetOpensAtMs: Number(budget),
    closedBy: by,
  };
}
