import type { Lookup, Outcome } from '../domain/answer.ts';
import type { Provider } from '../domain/provider.ts';

/** The port to one provider's API. An adapter passes `test/providers/contract.ts`. */
export interface ProviderClient {
  readonly provider: Provider;

  /**
   * Does what a call needs beforehand, such as getting a token, so that a call starts when its slot comes. Never
   * rejects.
   */
  prepare(): Promise<void>;

  /**
   * Makes one call. Whatever happens is an outcome: it never rejects, and it ends within the client's timeout.
   * It neither repeats a call nor waits for a rate: that is its caller's.
   */
  call(lookup: Lookup): Promise<CallResult>;

  close(): Promise<void>;
}

export interface CallResult {
  readonly outcome: Outcome;
  /** Null where no answer came. */
  readonly httpStatus: number | null;
  readonly durationMs: number;
}
