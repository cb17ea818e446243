import type { Deferred, Enriched, Failed, LeftOut } from './events.ts';
import { nextLookup } from './lookup.ts';
import { matchCandidates } from './matching.ts';
import { mergeSnapshot, newestRequest } from './merging.ts';
import type { Provider } from './provider.ts';
import { backoffMs, type RetryPolicy } from './retry-policy.ts';
import { ruleVersion } from './rules.ts';
import type { RecordedOutcome, TaskState, TrackState } from './state.ts';
import type { TaskRequest } from './task.ts';

/** What asking every needed provider came to, beyond the outcomes that are already facts. */
export interface HopFindings {
  /** The clock, ISO 8601. */
  readonly at: string;
  /** The providers that this task needs, those that refuse our credentials apart. */
  readonly needed: readonly Provider[];
  /** The needed providers that gave no answer. */
  readonly leftOut: readonly LeftOut[];
  readonly policy: RetryPolicy;
  /** From 0 to below 1, for the backoff's jitter. */
  readonly random: number;
}

type Completion =
  | Pick<Enriched, 'type' | 'data'>
  | Pick<Failed, 'type' | 'data'>
  | Pick<Deferred, 'type' | 'data'>;

/**
 * The completion rule: what follows from the sources of this task and the providers it left out.
 *
 * | sources | left out | decision |
 * |---|---|---|
 * | some | any | `Enriched`, naming those left out |
 * | none | none | `Enriched` where the snapshot has values, else `Failed`, final, `not_found` |
 * | none | only waiting | `Deferred` until the earliest opening |
 * | none | some by fault | `Failed` with `retryAt`; final at the last attempt |
 *
 * Null: no provider is left that accepts our credentials, so nothing can be said about the task.
 */
export function completeHop(state: TrackState, task: TaskState, findings: HopFindings): Completion | null {
  const { needed } = findings;
  if (needed.length === 0 && task.origin.kind !== 'follow-up') return null;
  const request = newestRequest(state) ?? task.request;
  const answeredBy = (provider: Provider) => task.outcomes.filter((one) => one.provider === provider);
  const isSource = (provider: Provider) => answeredBy(provider).some((one) => isMatch(request, one));
  const leftOut = needed
    .filter(
      (provider) => !isSource(provider) && nextLookup(provider, task.request, answeredBy(provider)) !== null,
    )
    .map((provider) => leftOutOf(provider, findings));

  if (needed.some(isSource)) return enriched(state, request, leftOut);
  if (leftOut.length === 0) {
    const { snapshot } = mergeSnapshot(request, state.found);
    if (Object.keys(snapshot).length > 0) return enriched(state, request, []);
    return failed(task, 'not_found', 'No provider knows this track.', null, []);
  }
  const opening = leftOut.map(({ until }) => until).reduce((a, b) => (a < b ? a : b));
  if (leftOut.every(({ cause }) => cause === 'waiting')) {
    return { type: 'Deferred', data: { until: opening, leftOut } };
  }
  return failedAttempt(task, findings, leftOut, opening);
}

function failedAttempt(
  task: TaskState,
  { at, policy, random }: HopFindings,
  leftOut: readonly LeftOut[],
  opening: string,
): Completion {
  const attempt = task.attempts + 1;
  const names = leftOut.map(({ provider }) => provider).join(', ');
  const message = `No answer from ${names} in attempt ${attempt} of ${policy.attemptsMax}.`;
  if (attempt >= policy.attemptsMax) return failed(task, 'unavailable', message, null, leftOut);
  const backoff = new Date(Date.parse(at) + backoffMs(policy, attempt, random)).toISOString();
  return failed(task, 'unavailable', message, backoff > opening ? backoff : opening, leftOut);
}

function enriched(state: TrackState, request: TaskRequest, leftOut: readonly LeftOut[]): Completion {
  const { snapshot, sources } = mergeSnapshot(request, state.found);
  const { artist, title } = request;
  const status = sources.length >= 2 ? 'completed' : 'partial';
  return { type: 'Enriched', data: { status, snapshot, sources, leftOut, artist, title, ruleVersion } };
}

function failed(
  task: TaskState,
  reason: 'not_found' | 'unavailable',
  message: string,
  retryAt: string | null,
  leftOut: readonly LeftOut[],
): Completion {
  const final = retryAt === null;
  const attempt = task.attempts + (reason === 'unavailable' ? 1 : 0);
  return { type: 'Failed', data: { reason, final, attempt, retryAt, leftOut, message, rawBody: null } };
}

function leftOutOf(provider: Provider, { leftOut, at }: HopFindings): LeftOut {
  return leftOut.find((one) => one.provider === provider) ?? { provider, cause: 'fault', until: at };
}

function isMatch(request: TaskRequest, { outcome }: RecordedOutcome): boolean {
  return outcome.kind === 'found' && matchCandidates(request, outcome.candidates).match !== null;
}
