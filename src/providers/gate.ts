import type { Lane } from '../domain/priority.ts';
import type { Provider } from '../domain/provider.ts';
import type { Admission, CircuitState, GateReport } from '../domain/provider-gate.ts';

/**
 * The port to the shared gates, one for each provider: who may call now, who later. An adapter behaves as the
 * model in `domain/provider-gate.ts` and passes `test/providers/gate-contract.ts`. Times are milliseconds from now.
 */
export interface ProviderGates {
  /** Reserves a slot within the patience or says when to ask again; it never waits. */
  reserve(
    provider: Provider,
    ask: { readonly lane: Lane; readonly patienceMs: number },
  ): Promise<Reservation>;
  /** Whether a slot that was waited for may still be used. */
  mayEnter(provider: Provider, reservation: Extract<Reservation, { kind: 'slot' }>): Promise<boolean>;
  report(provider: Provider, said: GateReport): Promise<void>;
  /**
   * When a slot is free once `ahead` more callers had theirs, in milliseconds from now, as far as is known here;
   * nothing is reserved.
   */
  nextFreeInMs(provider: Provider, ahead?: number): number;
  circuit(provider: Provider): CircuitState;
}

export type Reservation =
  | {
      readonly kind: 'slot';
      readonly inMs: number;
      readonly probe: boolean;
      /** Which life of the gate gave it, where a gate can be lost: another one knows nothing of this slot. */
      readonly life?: string;
      /** Its begin by the caller's clock, where somebody else gives it, and how late the caller may come to it. */
      readonly begins?: { readonly atMs: number; readonly declaredMs: number };
    }
  | {
      readonly kind: 'later';
      readonly inMs: number;
      readonly why: Extract<Admission, { kind: 'later' }>['why'];
    };
