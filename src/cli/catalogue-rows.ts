import type { CatalogueTrack } from '../providers/simulator/catalogue.ts';
import { openInputFile } from './input/input-source.ts';
import { readRows } from './input/read-rows.ts';

/** The tracks of an input file as the simulator's catalogue; what cannot be read is left out. */
export async function* catalogueOf(path: string): AsyncIterable<CatalogueTrack> {
  for await (const row of readRows(await openInputFile(path))) {
    if (row.kind === 'rejected') continue;
    const { artist, title, durationMs, isrc, spotifyId, musicbrainzId, extra } = row;
    const year = Number(extra.year);
    yield {
      artist,
      title,
      durationMs,
      isrc,
      spotifyId,
      mbid: musicbrainzId,
      album: typeof extra.album === 'string' && extra.album !== '' ? extra.album : null,
      year: Number.isInteger(year) && year > 0 ? year : null,
    };
  }
}
