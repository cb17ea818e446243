import type { Provider } from '../domain/provider.ts';
import type { ProviderGates } from './gate.ts';

const withinMs = 1000;

/**
 * How many calls the gate would let begin within the next second, as far as is known here: the rate while nobody
 * calls, 0 while it is closed for longer, infinite where the rate is lifted.
 */
export function rateLimitRemaining(
  gates: Pick<ProviderGates, 'nextFreeInMs'>,
  provider: Provider,
  ratePerSecond: number,
): number {
  const leftMs = withinMs - gates.nextFreeInMs(provider);
  return leftMs <= 0 ? 0 : Math.ceil((leftMs / 1000) * ratePerSecond);
}
