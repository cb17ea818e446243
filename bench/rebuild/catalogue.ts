import type { Answer, Candidate } from '../../src/domain/answer.ts';
import type { Provider } from '../../src/domain/provider.ts';
import type { TaskRequest } from '../../src/domain/task.ts';
import type { TrackValues } from '../../src/domain/track-values.ts';

export type Random = () => number;

/** An invented track: what is asked for, and what each provider knows of it. */
export interface InventedTrack {
  readonly request: TaskRequest;
  readonly candidates: Readonly<Record<Provider, Candidate>>;
}

const words = [
  ...[
    'Paper',
    'Lantern',
    'Tide',
    'Marble',
    'Echo',
    'Copper',
    'Winter',
    'Harbour',
    'Velvet',
    'Static',
    'Orbit',
  ],
  ...['Meadow', 'Neon', 'Quiet', 'Ember', 'Glass', 'Motor', 'Saffron', 'Hollow', 'Signal', 'Drift', 'Cinder'],
  // About one text in four is not ASCII, as in the catalogues of the providers.
  ...['Señora', 'Über', 'Élan', 'Кино', '東京'],
];
const genres = ['rock', 'electronic', 'indie pop', 'hip hop', 'jazz', 'techno', 'folk'];
const hex = '0123456789abcdef';
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function inventTrack(trackId: string, random: Random): InventedTrack {
  const artist = text(random, 2);
  const title = text(random, 3);
  const album = text(random, 2);
  const durationMs = 120_000 + Math.floor(random() * 240_000);
  const isrc = `XX${pick(random, 'BNC', 'RBL', 'QZA')}${String(Math.floor(random() * 1e7)).padStart(7, '0')}`;
  const released = 1960 + Math.floor(random() * 65);
  const genre = pick(random, ...genres);
  const request: TaskRequest = {
    trackId,
    artist,
    title,
    isrc: random() < 0.7 ? isrc : null,
    durationMs,
    spotifyId: null,
    musicbrainzId: null,
    priority: random() < 0.5 ? 5 : 0,
    source: 'bench',
    queuedAt: null,
    forceRefresh: false,
    extra: { album, year: String(released) },
  };
  const spotifyId = letterings(random, 22, letters);
  const recordingId = uuid(random);
  const image = () => `https://images.example/${letterings(random, 40, hex)}`;
  const candidate = (id: string, values: Partial<TrackValues>): Candidate => ({
    id,
    title,
    artists: [artist],
    durationMs,
    isrcs: values.isrc === undefined ? [] : [values.isrc],
    values,
  });
  return {
    request,
    candidates: {
      spotify: candidate(spotifyId, {
        spotifyId,
        isrc,
        durationMs,
        album,
        releaseDate: `${released}-0${1 + Math.floor(random() * 9)}-1${Math.floor(random() * 9)}`,
        artworkLargeUrl: image(),
        artworkMediumUrl: image(),
        artworkSmallUrl: image(),
        spotifyPopularity: Math.floor(random() * 100),
      }),
      musicbrainz: candidate(recordingId, {
        musicbrainzId: recordingId,
        isrc,
        durationMs: durationMs + 400,
        releaseDate: String(released),
        genre,
        album,
      }),
      lastfm: candidate('', {
        lastfmUrl: `https://www.last.fm/music/${encodeURIComponent(artist)}/_/${encodeURIComponent(title)}`,
        durationMs: durationMs - (durationMs % 1000),
        genre,
        lastfmPlaycount: Math.floor(random() * 1e6),
        lastfmListeners: Math.floor(random() * 1e5),
      }),
    },
  };
}

/** What a provider answers: the track, perhaps with others that only resemble it; now and then nothing. */
export function answerOf(candidate: Candidate, isKnown: boolean, random: Random): Answer {
  const bodyHash = letterings(random, 64, hex);
  if (!isKnown || random() < 0.06) return { kind: 'missing', reason: 'no-result', bodyHash };
  const others = Array.from({ length: random() < 0.1 ? 1 : 0 }, () => ({
    ...candidate,
    title: `${candidate.title} (${text(random, 1)} remix)`,
    isrcs: [],
    durationMs: candidate.durationMs === null ? null : candidate.durationMs + 31_000,
  }));
  return { kind: 'found', candidates: [candidate, ...others], bodyHash };
}

export function uuid(random: Random): string {
  const digits = letterings(random, 30, hex);
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(12, 15)}-a${digits.slice(15, 18)}-${digits.slice(18)}`;
}

function text(random: Random, count: number): string {
  return Array.from({ length: count }, () => pick(random, ...words)).join(' ');
}

function pick(random: Random, ...options: readonly string[]): string {
  return options[Math.floor(random() * options.length)] ?? '';
}

function letterings(random: Random, length: number, alphabet: string): string {
  let made = '';
  for (let at = 0; at < length; at++) made += alphabet[Math.floor(random() * alphabet.length)];
  return made;
}
