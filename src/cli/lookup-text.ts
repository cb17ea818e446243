import type { Lookup, Outcome } from '../domain/answer.ts';
import type { ApiCalled, CacheHit } from '../domain/events.ts';
import { matchCandidates } from '../domain/matching.ts';
import type { TaskRequest } from '../domain/task.ts';
import { durationText } from './duration-text.ts';
import { counted } from './number-text.ts';
import { providerNames } from './provider-name.ts';
import { shown } from './visible-text.ts';

/** What a call to a provider came to, in plain words. */
export function callText(call: ApiCalled['data'], request: TaskRequest | null): string {
  const { provider, lookup, outcome, httpStatus, durationMs, superseded } = call;
  const name = providerNames[provider];
  const status = httpStatus === null ? 'no HTTP answer' : `HTTP ${httpStatus}`;
  const text = `${name} called ${lookupText(lookup)}: ${outcomeText(outcome, request)} (${status}, ${durationText(durationMs)})`;
  return superseded ? `${text}; counts nowhere, another worker was first` : text;
}

/** What came from the cache, or from another task's call. */
export function cacheHitText(
  { provider, lookup, answer, calledAt, via }: CacheHit['data'],
  occurredAt: string,
  request: TaskRequest | null,
): string {
  const age = durationText(Math.max(0, Date.parse(occurredAt) - Date.parse(calledAt)));
  const from = via === 'cache' ? `from the cache, ${age} old` : 'shared with a call of another task';
  return `${providerNames[provider]} ${lookupText(lookup)} ${from}: ${outcomeText(answer, request)}`;
}

function lookupText(lookup: Lookup): string {
  return lookup.kind === 'isrc' ? `by ISRC ${shown(lookup.isrc, 20)}` : 'by artist and title';
}

function outcomeText(outcome: Outcome, request: TaskRequest | null): string {
  switch (outcome.kind) {
    case 'found':
      return foundText(outcome, request);
    case 'missing':
      return outcome.reason === 'shadow-entry' ? 'only a shadow entry, so not known' : 'not known';
    case 'misused':
      return `refused as a wrong query: ${shown(outcome.message, 200)}`;
    case 'unauthorised':
      return `refused our credentials: ${shown(outcome.message, 200)}`;
    case 'throttled': {
      const scope = outcome.scope === 'quota' ? ' (quota used up)' : '';
      return `throttled, stay away for ${durationText(outcome.retryAfterMs)}${scope}`;
    }
    case 'unavailable': {
      const wait = outcome.retryAfterMs === null ? '' : `, again in ${durationText(outcome.retryAfterMs)}`;
      return `unavailable, ${outcome.reason}: ${shown(outcome.message, 200)}${wait}`;
    }
    default:
      return outcome satisfies never;
  }
}

function foundText({ candidates }: Extract<Outcome, { kind: 'found' }>, request: TaskRequest | null): string {
  const found = `found ${counted(candidates.length, 'candidate')}`;
  if (request === null) return found;
  const { match } = matchCandidates(request, candidates);
  if (match === null) return `${found}, none is the track`;
  const { title, artists } = match.candidate;
  return `${found}, matched "${shown(title, 60)}" by ${shown(artists.join(', '), 60)}, confidence ${match.confidence}`;
}
