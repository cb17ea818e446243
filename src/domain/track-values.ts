/**
 * What the enrichment can know about a track. A provider contributes any part of it; the snapshot in
 * `Enriched` holds the winning value of each field. Units stand in the names.
 */
export interface TrackValues {
  /** International Standard Recording Code, 12 characters, upper case, no hyphens. */
  readonly isrc: string;
  readonly spotifyId: string;
  /** MusicBrainz recording id (a UUID). */
  readonly musicbrainzId: string;
  readonly lastfmUrl: string;
  readonly durationMs: number;
  readonly bpm: number;
  /** Musical key, such as `A minor`. */
  readonly key: string;
  /** The key on the Camelot wheel, `1A` to `12B`. */
  readonly camelotKey: string;
  /** 0 to 1. */
  readonly tempoConfidence: number;
  /** 0 to 1. */
  readonly energy: number;
  /** 0 to 1. */
  readonly danceability: number;
  /** 0 to 1. */
  readonly valence: number;
  /** `YYYY`, `YYYY-MM` or `YYYY-MM-DD`: as exact as the provider is. */
  readonly releaseDate: string;
  readonly genre: string;
  readonly label: string;
  readonly album: string;
  readonly artworkSmallUrl: string;
  readonly artworkMediumUrl: string;
  readonly artworkLargeUrl: string;
  /** 0 to 100. */
  readonly spotifyPopularity: number;
  readonly lastfmPlaycount: number;
  readonly lastfmListeners: number;
}

export type TrackField = keyof TrackValues;

export const trackFields = [
  'isrc',
  'spotifyId',
  'musicbrainzId',
  'lastfmUrl',
  'durationMs',
  'bpm',
  'key',
  'camelotKey',
  'tempoConfidence',
  'energy',
  'danceability',
  'valence',
  'releaseDate',
  'genre',
  'label',
  'album',
  'artworkSmallUrl',
  'artworkMediumUrl',
  'artworkLargeUrl',
  'spotifyPopularity',
  'lastfmPlaycount',
  'lastfmListeners',
] as const satisfies readonly TrackField[];
