import type { Outcome } from '../domain/answer.ts';
import type { GateReport } from '../domain/provider-gate.ts';

/** What the outcome of a call tells its provider's gate. */
export function gateReportOf(outcome: Outcome): GateReport {
  switch (outcome.kind) {
    case 'found':
    case 'missing':
    case 'misused':
    case 'unauthorised':
      return { kind: 'answered' };
    case 'throttled':
      return { kind: 'throttled', retryAfterMs: outcome.retryAfterMs };
    case 'unavailable':
      // Shed load must not slow the gate; a token that ran out says nothing about the provider.
      if (outcome.reason === 'overloaded' || outcome.reason === 'token-expired') return { kind: 'neutral' };
      if (outcome.retryAfterMs !== null) return { kind: 'throttled', retryAfterMs: outcome.retryAfterMs };
      return { kind: 'failed' };
    default:
      return outcome satisfies never;
  }
}
