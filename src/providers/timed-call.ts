import type { CallResult } from './provider-client.ts';

/** Measures a call, and makes an outcome even of what should not happen. */
export async function timedCall(call: () => Promise<Omit<CallResult, 'durationMs'>>): Promise<CallResult> {
  const startMs = performance.now();
  const durationMs = () => Math.round(performance.now() - startMs);
  try {
    return { ...(await call()), durationMs: durationMs() };
  } catch (error) {
    const message = `The answer could not be read: ${error instanceof Error ? error.name : 'unknown error'}.`;
    const outcome = { kind: 'unavailable', reason: 'broken-body', retryAfterMs: null, message } as const;
    return { outcome, httpStatus: null, durationMs: durationMs() };
  }
}
