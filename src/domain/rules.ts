import { type Provider, providers } from './provider.ts';
import type { TrackField } from './track-values.ts';

/**
 * The version of matching and merging together with the packages that compare text. It stands in every
 * `Enriched`, and changes with anything that could make the same answers come out differently.
 */
export const ruleVersion = 'rules-1+any-ascii-0.3.3';

/** What decides which candidate is the track, and whose value of a field wins: data, so that other settings can be tried. */
export interface Rules {
  readonly matching: MatchingRules;
  readonly merging: MergingRules;
}

export interface MatchingRules {
  /** True: an equal ISRC is a match, whatever names and durations say. False: it only makes a match by name surer. */
  readonly isrcIsEnough: boolean;
  /** How far two known durations of one recording may lie apart. */
  readonly durationToleranceMs: number;
  /** How sure a match is, from 0 to 1, by what it rests on. */
  readonly confidence: {
    readonly sameIsrc: number;
    /** Title and artists, and both durations are known. */
    readonly sameDuration: number;
    /** Title and artists alone. */
    readonly sameNames: number;
  };
  /** A match that is less sure is none. */
  readonly confidenceMin: number;
}

export interface MergingRules {
  /** The providers whose values are taken, the most trusted first. */
  readonly trust: readonly Provider[];
  /** The same for single fields. */
  readonly trustByField: Readonly<Partial<Record<TrackField, readonly Provider[]>>>;
}

/** What workers decide by. Another value here is another `ruleVersion`. */
export const defaultRules: Rules = {
  matching: {
    isrcIsEnough: true,
    durationToleranceMs: 5000,
    confidence: { sameIsrc: 1, sameDuration: 0.95, sameNames: 0.85 },
    confidenceMin: 0,
  },
  merging: {
    trust: providers,
    trustByField: {
      // MusicBrainz knows the first release of a recording, Spotify the date of the album it sells.
      releaseDate: ['musicbrainz', 'spotify', 'lastfm'],
      genre: ['musicbrainz', 'lastfm', 'spotify'],
    },
  },
};

/** The providers whose value of a field is taken, the most trusted first. */
export function trustedFor(field: TrackField, { merging }: Rules): readonly Provider[] {
  return merging.trustByField[field] ?? merging.trust;
}
