import type { Provider } from '../domain/provider.ts';
import { admit, circuitState, type GateLimits, mayEnter, newGate, report } from '../domain/provider-gate.ts';
import type { ProviderGates } from './gate.ts';

export interface MemoryGatesOptions {
  readonly limits: Readonly<Record<Provider, GateLimits>>;
  readonly now?: () => number;
}

/** The gates of the embedded mode: the pure model, in this process. */
export function createMemoryGates({
  limits,
  now = () => performance.now(),
}: MemoryGatesOptions): ProviderGates {
  const startMs = now();
  const states = {
    spotify: newGate(limits.spotify, startMs),
    musicbrainz: newGate(limits.musicbrainz, startMs),
    lastfm: newGate(limits.lastfm, startMs),
  };
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
      return mayEnter(states[provider], probe, now());
    },
    async report(provider, said) {
      states[provider] = report(states[provider], limits[provider], said, now());
    },
    nextFreeInMs(provider, ahead = 0) {
      const { nextSlotAtMs, closedUntilMs, probeUntilMs } = states[provider];
      const slotMs = nextSlotAtMs + (ahead * 1000) / limits[provider].ratePerSecond;
      return Math.max(0, Math.max(slotMs, closedUntilMs, probeUntilMs) - now());
    },
    circuit: (provider) => circuitState(states[provider], now()),
  };
}
