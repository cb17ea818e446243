import type { Lookup, Outcome } from './answer.ts';
import { matchCandidates } from './matching.ts';
import { normaliseArtists, normaliseIsrc, normaliseText } from './normalise.ts';
import type { Provider } from './provider.ts';
import type { TaskRequest } from './task.ts';

const findsByIsrc: Readonly<Record<Provider, boolean>> = { spotify: true, musicbrainz: true, lastfm: false };

/**
 * What to ask this provider next, given what it answered in this task: by ISRC where there is one, then by
 * artist and title. Null: it has answered, with a match or for good.
 */
export function nextLookup(
  provider: Provider,
  request: TaskRequest,
  answered: readonly { readonly lookup: Lookup; readonly outcome: Outcome }[],
): Lookup | null {
  const settled = answered.filter(({ outcome }) => settles(outcome));
  for (const { outcome } of settled) {
    if (outcome.kind === 'found' && matchCandidates(request, outcome.candidates).match !== null) return null;
  }
  const isrc = request.isrc === null ? null : normaliseIsrc(request.isrc);
  const asked = new Set(settled.map(({ lookup }) => lookup.kind));
  if (isrc !== null && findsByIsrc[provider] && !asked.has('isrc')) return { kind: 'isrc', isrc };
  if (!asked.has('search')) return { kind: 'search', artist: request.artist, title: request.title };
  return null;
}

/** Whether asking the same again is pointless. A query of ours that the provider refuses will be refused again. */
export function settles(outcome: Outcome): boolean {
  return outcome.kind === 'found' || outcome.kind === 'missing' || outcome.kind === 'misused';
}

/** The key under which an answer is cached and shared. The number rises when an answer's form changes. */
export function lookupKey(provider: Provider, lookup: Lookup): string {
  if (lookup.kind === 'isrc') return `v1:${provider}:isrc:${lookup.isrc}`;
  // The title with its guests, because they are searched for; as JSON, because a name may consist of colons.
  const words = [normaliseArtists([lookup.artist]), normaliseText(lookup.title)];
  return `v1:${provider}:search:${JSON.stringify(words)}`;
}
