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
  /** Also by an ISRC that was derived because the file has none. */
  byIsrc(isrc: string): FullTrack | null;
  /** By artist and title in one text, in either order, as somebody types them. */
  byText(text: string): FullTrack | null;
  all(): Iterable<FullTrack>;
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
  // Both take as much memory as the catalogue and few runs ask this way: they are built at the first question.
  let derivedIsrcs: Map<string, CatalogueTrack> | null = null;
  let texts: Map<string, CatalogueTrack> | null = null;
  const completed = (track: CatalogueTrack | undefined) => (track === undefined ? null : full(track, seed));
  return {
    size: bySearch.size,
    bySearch(artist, title) {
      return completed(bySearch.get(searchKey(artist, title)));
    },
    byIsrc(isrc) {
      const listed = byIsrc.get(isrc);
      if (listed !== undefined) return full(listed, seed);
      derivedIsrcs ??= new Map(
        [...bySearch.values()]
          .filter((track) => track.isrc === null)
          .map((track) => [isrcOf(track, seed), track]),
      );
      return completed(derivedIsrcs.get(isrc));
    },
    byText(text) {
      texts ??= new Map(
        [...bySearch.values()].flatMap((track) => [
          [fold(`${track.title} ${track.artist}`), track],
          [fold(`${track.artist} ${track.title}`), track],
        ]),
      );
      return completed(texts.get(fold(text)));
    },
    *all() {
      for (const track of bySearch.values()) yield full(track, seed);
    },
    knows: (provider, { artist, title }) =>
      seeded(seed, 'unknown', provider, searchKey(artist, title)) >= unknownShare,
  };
}

/** As a search index folds text: its own rule, so that it does not share the mistakes of what it tests. */
function searchKey(artist: string, title: string): string {
  return `${fold(artist) || artist}\n${fold(title) || title}`;
}

function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\p{M}\p{P}\p{S}\s]+/gu, '')
    .toLowerCase();
}

function isrcOf(track: CatalogueTrack, seed: number): string {
  const words = [track.artist, track.title];
  const registrant = seededText(seed, 3, base62.slice(10, 36), 'isrc', ...words);
  return track.isrc ?? `QZ${registrant}${seededText(seed, 7, '0123456789', 'isrc-number', ...words)}`;
}

function full(track: CatalogueTrack, seed: number): FullTrack {
  const words = [track.artist, track.title];
  return {
    artist: track.artist,
    title: track.title,
    album: track.album ?? `${track.title} - Single`,
    year: track.year ?? 1960 + Math.floor(seeded(seed, 'year', ...words) * 60),
    durationMs: track.durationMs ?? 120_000 + Math.floor(seeded(seed, 'length', ...words) * 240_000),
    isrc: isrcOf(track, seed),
    spotifyId: track.spotifyId ?? seededText(seed, 22, base62, 'spotify', ...words),
    mbid: track.mbid ?? uuidOf(seed, 'mbid', ...words),
  };
}

export function uuidOf(seed: number, ...words: readonly string[]): string {
  const hex = seededText(seed, 32, '0123456789abcdef', ...words);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}
