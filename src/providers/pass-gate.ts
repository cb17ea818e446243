import type { Lane } from '../domain/priority.ts';
import type { Provider } from '../domain/provider.ts';
import type { ProviderGates } from './gate.ts';

export type Pass =
  | { readonly kind: 'admitted' }
  /** `untilMs`: when to ask again, on the clock of `now`. */
  | { readonly kind: 'refused'; readonly why: 'rate' | 'closed'; readonly untilMs: number };

export interface PassGateOptions {
  readonly gates: ProviderGates;
  readonly provider: Provider;
  readonly lane: Lane;
  /** The most it waits altogether. */
  readonly patienceMs: number;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Timers may fire a moment early; a call must not. */
const timerMarginMs = 2;
/** Under contention a waiting task may be overtaken this often before it gives up. */
const asksMax = 1000;

/**
 * Gets through a provider's gate, or says when to come again. A slot within the patience is waited for; if the gate
 * closes meanwhile, the rest of the patience is for asking again. The gate is asked before this first yields.
 */
export async function passGate(options: PassGateOptions): Promise<Pass> {
  const { gates, provider, lane, now, sleep } = options;
  const deadlineMs = now() + options.patienceMs;
  let untilMs = now();
  let why: 'rate' | 'closed' = 'rate';
  for (let asks = 0; asks < asksMax; asks++) {
    const patienceMs = Math.max(0, deadlineMs - now());
    const reservation = await gates.reserve(provider, { lane, patienceMs });
    if (reservation.kind === 'slot') {
      if (reservation.inMs <= 0) return { kind: 'admitted' };
      await sleep(Math.ceil(reservation.inMs) + timerMarginMs);
      if (await gates.mayEnter(provider, reservation)) return { kind: 'admitted' };
      untilMs = now() + gates.nextFreeInMs(provider);
      why = 'closed';
      continue;
    }
    untilMs = now() + reservation.inMs;
    why = reservation.why;
    if (untilMs > deadlineMs) break;
    await sleep(Math.ceil(reservation.inMs) + timerMarginMs);
  }
  return { kind: 'refused', why, untilMs };
}
