import type { Answer, Candidate, Lookup, Outcome } from '../../src/domain/answer.ts';
import { type Provider, providers } from '../../src/domain/provider.ts';
import type { ProviderClient } from '../../src/providers/provider-client.ts';

export interface ScriptedClient extends ProviderClient {
  readonly calls: readonly Lookup[];
}

export type Script = (lookup: Lookup, call: number) => Outcome | Promise<Outcome>;

/** A provider that says what the test has it say; `call` counts from 1. */
export function scripted(provider: Provider, script: Script | Outcome): ScriptedClient {
  const calls: Lookup[] = [];
  return {
    provider,
    calls,
    prepare: async () => undefined,
    async call(lookup) {
      calls.push(lookup);
      const outcome = typeof script === 'function' ? await script(lookup, calls.length) : script;
      return { outcome, httpStatus: 200, durationMs: 1 };
    },
    close: async () => undefined,
  };
}

/** All three, each with its own script; those without one know nothing. */
export function scriptedClients(scripts: Partial<Record<Provider, Script | Outcome>>) {
  const entries = providers.map((one) => [one, scripted(one, scripts[one] ?? missing)] as const);
  return Object.fromEntries(entries) as Record<Provider, ScriptedClient>;
}

export const missing: Answer = { kind: 'missing', reason: 'no-result', bodyHash: 'hash' };
export const unavailable: Outcome = {
  kind: 'unavailable',
  reason: 'server-error',
  retryAfterMs: null,
  message: 'The server answered 500.',
};
export const misused: Outcome = { kind: 'misused', message: 'Bad query.' };
export const unauthorised: Outcome = { kind: 'unauthorised', message: 'Who are you?' };
export const throttledFor = (retryAfterMs: number): Outcome => ({
  kind: 'throttled',
  scope: 'rate',
  retryAfterMs,
  message: 'Slow down.',
});

/** An answer that is the track which was searched for. */
export function foundFor(lookup: Lookup, values: Candidate['values'] = {}): Answer {
  const candidate: Candidate = {
    id: 'c1',
    title: lookup.kind === 'search' ? lookup.title : 'Small Weather',
    artists: [lookup.kind === 'search' ? lookup.artist : 'Copper Finch'],
    durationMs: null,
    isrcs: lookup.kind === 'isrc' ? [lookup.isrc] : [],
    values,
  };
  return { kind: 'found', candidates: [candidate], bodyHash: 'hash' };
}

export const finds: Script = (lookup) => foundFor(lookup, { genre: 'trance' });
