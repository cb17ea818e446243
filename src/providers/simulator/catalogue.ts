import type { Provider } from '../../domain/provider.ts';
import { seeded, seededText } from './seeded.ts';

/** A track of the world that the simulator answers from. */
export interface CatalogueTrack {
  readonly artist: string;
  readonly title: string;
  readonly album: string | null;
  readonly year: number | null;
  readonly durationMs: number | null;
  readonly isrc: string | null;
  readonly spotifyId: string | null;
  readonly mbid: string | null;
}

/** A track with everything that the file did not say, derived from the seed. */
export interface FullTrack {
  readonly artist: string;
  readonly title: string;
  readonly album: string;
  readonly year: number;
  readonly durationMs: number;
  readonly isrc: string;
  readonly spotifyId: string;
  readonly mbid: string;
}

export interface Catalogue {
  readonly size: number;
  bySearch(artist: string, title: string): FullTrack | null;
  byIsrc(isrc: string): FullTrack | null;
  /** Whether this provider has the track at all. */
  knows(provider: Provider, track: FullTrack): boolean;
}

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export async function readCatalogue(
  tracks: Iterable<CatalogueTrack> | AsyncIterable<CatalogueTrack>,
  { seed, unknownShare }: { readonly seed: number; readonly unknownShare: number },
): Promise<Catalogue> {
  const bySearch = new Map<string, CatalogueTrack>();
  const byIsrc = new Map<string, CatalogueTrack>();
  for await (const track of tracks) {
    const key = searchKey(track.artist, track.title);
    if (!bySearch.has(key)) bySearch.set(key, track);
    if (track.isrc !== null && !byIsrc.has(track.isrc)) byIsrc.set(track.isrc, track);
  }
  return {
    size: bySearch.size,
    bySearch(artist, title) {
      const track = bySearch.get(searchKey(artist, title));
      return track === undefined ? null : full(track, seed);
    },
    byIsrc(isrc) {
      const track = byIsrc.get(isrc);
      return track === undefined ? null : full(track, seed);
    },
    knows: (provider, { artist, title }) =>
      seeded(seed, 'unknown', provider, searchKey(artist, title)) >= unknownShare,
  };
}

/** As a search index folds text: its own rule, so that it does not share the mistakes of what it tests. */
function searchKey(artist: string, title: string): string {
  const fold = (text: string) =>
    text
      .normalize('NFKD')
      .replace(/[\p{M}\p{P}\p{S}\s]+/gu, '')
      .toLowerCase();
  return `${fold(artist) || artist}\n${fold(title) || title}`;
}

function full(track: CatalogueTrack, seed: number): FullTrack {
  const words = [track.artist, track.title];
  return {
    artist: track.artist,
    title: track.title,
    album: track.album ?? `${track.title} - Single`,
    year: track.year ?? 1960 + Math.floor(seeded(seed, 'year', ...words) * 60),
    durationMs: track.durationMs ?? 120_000 + Math.floor(seeded(seed, 'length', ...words) * 240_000),
    isrc:
      track.isrc ??
      `QZ${seededText(seed, 3, base62.slice(10, 36), 'isrc', ...words)}${seededText(seed, 7, '0123456789', 'isrc-number', ...words)}`,
    spotifyId: track.spotifyId ?? seededText(seed, 22, base62, 'spotify', ...words),
    mbid: track.mbid ?? uuidOf(seed, 'mbid', ...words),
  };
}

export function uuidOf(seed: number, ...words: readonly string[]): string {
  const hex = seededText(seed, 32, '0123456789abcdef', ...words);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}
