import type { Outcome } from '../domain/answer.ts';
import type { Provider } from '../domain/provider.ts';

/** A provider that refused our credentials is tried again after this long. */
const retryRefusedAfterMs = 5 * 60_000;

/** Which providers take our credentials. One that does not counts as not configured until it is seen to work. */
export interface Credentials {
  saw(provider: Provider, outcome: Outcome): void;
  /** False while the provider refuses us; now and then true, so that one task tries it. */
  usable(provider: Provider): boolean;
}

export function createCredentials(options: {
  readonly now: () => number;
  /** Called once when a provider begins to refuse us. */
  readonly onRefused: (provider: Provider, message: string) => void;
  readonly onAccepted: (provider: Provider) => void;
}): Credentials {
  const refusedSinceMs = new Map<Provider, number>();
  return {
    saw(provider, outcome) {
      if (outcome.kind === 'unauthorised') {
        if (!refusedSinceMs.has(provider)) options.onRefused(provider, outcome.message);
        refusedSinceMs.set(provider, options.now());
      } else if (outcome.kind !== 'unavailable' && refusedSinceMs.delete(provider)) {
        options.onAccepted(provider);
      }
    },
    usable(provider) {
      const sinceMs = refusedSinceMs.get(provider);
      if (sinceMs === undefined) return true;
      if (options.now() - sinceMs < retryRefusedAfterMs) return false;
      refusedSinceMs.set(provider, options.now());
      return true;
    },
  };
}
