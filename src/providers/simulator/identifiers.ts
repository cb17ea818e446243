import type { Catalogue, FullTrack } from './catalogue.ts';
import { withDecoys } from './decoys.ts';

/** Finds a track, or a decoy beside it, by its Spotify id or MBID. Decoys are known to every provider. */
export type IdentifierIndex = (id: string) => { readonly track: FullTrack; readonly decoy: boolean } | null;

/** The index is built at the first question: most runs never ask by id, and it takes as much as the catalogue. */
export function createIdentifierIndex(
  catalogue: Catalogue,
  { seed, decoyShare }: { readonly seed: number; readonly decoyShare: number },
): IdentifierIndex {
  let owners: Map<string, readonly [artist: string, title: string]> | null = null;
  return (id) => {
    owners ??= new Map(
      [...catalogue.all()].flatMap((track) =>
        withDecoys(track, seed, decoyShare).flatMap(({ spotifyId, mbid }) => {
          const owner = [track.artist, track.title] as const;
          return [[spotifyId, owner] as const, [mbid, owner] as const];
        }),
      ),
    );
    const owner = owners.get(id);
    const right = owner === undefined ? null : catalogue.bySearch(...owner);
    if (right === null) return null;
    const track = withDecoys(right, seed, decoyShare).find((one) => one.spotifyId === id || one.mbid === id);
    return track === undefined ? null : { track, decoy: track !== right };
  };
}
