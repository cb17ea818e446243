import { type FullTrack, uuidOf } from './catalogue.ts';
import { seeded, seededText } from './seeded.ts';

/** How a neighbour in a result differs from the track that was asked for. */
const kinds: readonly ((track: FullTrack) => Partial<FullTrack>)[] = [
  (track) => ({ title: `${track.title} (Deep Harbour Remix)`, durationMs: track.durationMs + 95_000 }),
  (track) => ({ title: `${track.title} - Live at the Old Mill`, durationMs: track.durationMs + 21_000 }),
  (track) => ({ artist: 'The Tribute Parade', album: 'As Made Famous By', title: track.title }),
  (track) => ({ artist: 'Karaoke Cellar', title: `${track.title} (Karaoke Version)` }),
  (track) => ({ artist: `${track.artist.split(/[ ,&]/)[0] ?? ''} Junior`, title: track.title }),
  (track) => ({ title: track.title, album: `${track.album} (Extended)`, durationMs: track.durationMs * 2 }),
];

/** The results that stand around the right one: none for most tracks; some rank before it. */
export function withDecoys(track: FullTrack, seed: number, decoyShare: number): readonly FullTrack[] {
  const words = [track.artist, track.title];
  if (seeded(seed, 'decoys', ...words) >= decoyShare) return [track];
  const first = Math.floor(seeded(seed, 'decoy-kind', ...words) * kinds.length);
  const decoys = [0, 1].map((offset) => decoyOf(track, (first + offset) % kinds.length, seed));
  return seeded(seed, 'decoy-place', ...words) < 0.5 ? [...decoys, track] : [track, ...decoys];
}

/** What a provider that does not know the track finds instead. */
export function onlyDecoys(track: FullTrack, seed: number, decoyShare: number): readonly FullTrack[] {
  return withDecoys(track, seed, decoyShare).filter((one) => one !== track);
}

function decoyOf(track: FullTrack, kind: number, seed: number): FullTrack {
  const words = ['decoy', String(kind), track.artist, track.title];
  return {
    ...track,
    isrc: `QM${seededText(seed, 3, 'ABCDEFGHJKLMNPQRSTUVWXYZ', ...words)}${seededText(seed, 7, '0123456789', ...words)}`,
    spotifyId: seededText(seed, 22, '0123456789abcdefghijklmnopqrstuvwxyz', ...words),
    mbid: uuidOf(seed, ...words),
    ...kinds[kind]?.(track),
  };
}
