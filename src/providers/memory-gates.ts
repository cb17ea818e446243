import { budgetOpensAtMs } from '../domain/gate-budget.ts';
import type { GateLimits } from '../domain/gate-limits.ts';
import { type GateState, lookedAt, newGate } from '../domain/gate-state.ts';
import { type Provider, providers } from '../domain/provider.ts';
import { admit, circuitState, mayEnter, report } from '../domain/provider-gate.ts';
import type { ProviderGates } from './gate.ts';

export interface MemoryGatesOptions {
  readonly limits: Readonly<Record<Provider, GateLimits>>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** What is known of gates from before, where something is. */
  readonly states?: Readonly<Partial<Record<Provider, GateState>>>;
}

/** The gates of the embedded mode: the pure model, in this process. */
export function createMemoryGates({
  limits,
  // Since 1970 and, other than the clock on the wall, never set back.
  now = () => performance.timeOrigin + performance.now(),
  states: known = {},
}: MemoryGatesOptions): ProviderGates {
  const startMs = now();
  const states = Object.fromEntries(
    providers.map((one) => [one, known[one] ?? newGate(limits[one], startMs)]),
  ) as Record<Provider, GateState>;
  return {
    async reserve(provider, { lane, patienceMs }) {
      const nowMs = now();
      const [state, admission] = admit(states[provider], limits[provider], { lane, patienceMs, nowMs });
      states[provider] = state;
      const inMs = admission.atMs - nowMs;
      if (admission.kind === 'later') return { kind: 'later', inMs, why: admission.why };
      return { kind: 'slot', inMs, probe: admission.probe };
    },
    async mayEnter(provider, { probe }) {
      const nowMs = now();
      states[provider] = lookedAt(states[provider], nowMs);
      return mayEnter(states[provider], probe, nowMs);
    },
    async report(provider, said) {
      states[provider] = report(states[provider], limits[provider], said, now());
    },
    nextFreeInMs(provider, ahead = 0) {
      const nowMs = now();
      const state = lookedAt(states[provider], nowMs);
      const { ratePerSecond, callsPerDay } = limits[provider];
      const slotMs = state.nextSlotAtMs + (ahead * 1000) / ratePerSecond;
      const budgetMs = budgetOpensAtMs(state, callsPerDay, 'real-time');
      return Math.max(0, Math.max(slotMs, state.closedUntilMs, state.probeUntilMs, budgetMs) - nowMs);
    },
    circuit(provider) {
      const nowMs = now();
      return circuitState(lookedAt(states[provider], nowMs), limits[provider], nowMs);
    },
  };
}
