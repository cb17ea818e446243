import type { Snapshot, ValueSource } from './events.ts';
import { matchCandidates } from './matching.ts';
import { type Provider, providers } from './provider.ts';
import type { RecordedOutcome, TrackState } from './state.ts';
import type { TaskRequest } from './task.ts';
import { type TrackField, type TrackValues, trackFields } from './track-values.ts';

/**
 * The version of matching and merging together with the packages that compare text. It stands in every
 * `Enriched`, and changes with anything that could make the same answers come out differently.
 */
export const ruleVersion = 'rules-1+any-ascii-0.3.3';

const trust: Readonly<Partial<Record<TrackField, readonly Provider[]>>> = {
  // MusicBrainz knows the first release of a recording, Spotify the date of the album it sells.
  releaseDate: ['musicbrainz', 'spotify', 'lastfm'],
  genre: ['musicbrainz', 'lastfm', 'spotify'],
};

interface Contribution {
  readonly provider: Provider;
  readonly values: Partial<TrackValues>;
  readonly eventId: string;
  readonly revision: number;
  readonly confidence: number;
}

/**
 * The best value of every field over all answers of the stream that match the request: by trust in the provider
 * for that field, and of one provider the newest answer that has the field. An older answer that still matches
 * fills what the newer one lacks, so that a poorer look never erases a value.
 */
export function mergeSnapshot(
  request: TaskRequest,
  found: readonly RecordedOutcome[],
): { readonly snapshot: Snapshot; readonly sources: readonly Provider[] } {
  const contributions = found.toReversed().flatMap((recorded) => contributionOf(request, recorded));
  const snapshot: { [Field in TrackField]?: ValueSource<TrackValues[Field]> } = {};
  for (const field of trackFields) setField(snapshot, field, contributions);
  const sources = providers.filter((provider) => contributions.some((one) => one.provider === provider));
  return { snapshot, sources };
}

function setField<Field extends TrackField>(
  snapshot: { [Key in TrackField]?: ValueSource<TrackValues[Key]> },
  field: Field,
  contributions: readonly Contribution[],
): void {
  for (const provider of trust[field] ?? providers) {
    for (const { values, provider: from, eventId, revision, confidence } of contributions) {
      if (from !== provider) continue;
      const value = values[field];
      if (value === undefined) continue;
      Object.assign(snapshot, { [field]: { value, provider, eventId, revision, confidence } });
      return;
    }
  }
}

function contributionOf(request: TaskRequest, recorded: RecordedOutcome): Contribution[] {
  if (recorded.outcome.kind !== 'found') return [];
  const { match } = matchCandidates(request, recorded.outcome.candidates);
  if (match === null) return [];
  const { provider, eventId, revision } = recorded;
  return [{ provider, eventId, revision, values: match.candidate.values, confidence: match.confidence }];
}

/** The request that all answers of the track are matched to. */
export function newestRequest(state: TrackState): TaskRequest | null {
  if (state.newestRequestTaskId === null) return null;
  return state.tasks.get(state.newestRequestTaskId)?.request ?? null;
}
