import { describe, expect, it } from 'vitest';
import type { Catalogue } from '../../../src/providers/simulator/catalogue.ts';
import { plainTracks, searches, spotifyAsk, withSimulator } from './running.ts';

const hard = { tracks: plainTracks(100), seed: 9, unknownShare: 0.3, decoyShare: 0.6 };

function* tracksOf(catalogue: Catalogue) {
  for (const track of catalogue.all()) {
    yield {
      track,
      atSpotify: catalogue.knows('spotify', track),
      atMusicBrainz: catalogue.knows('musicbrainz', track),
      atLastfm: catalogue.knows('lastfm', track),
    };
  }
}

/** A run can be judged because what is right is known beforehand, from the catalogue alone. */
describe('the right answer', () => {
  it('is in a search exactly where the provider knows the track; else only decoys are, or nothing', () =>
    withSimulator(hard, async (simulator) => {
      let onlyDecoys = 0;
      for (const { track, atSpotify, atMusicBrainz } of tracksOf(simulator.catalogue)) {
        const { artist, title } = track;
        const { items } = (await searches.spotify(simulator, artist, title)).json.tracks;
        expect(items.map(({ id }: { id: string }) => id).includes(track.spotifyId)).toBe(atSpotify);
        const { recordings } = (await searches.musicbrainz(simulator, artist, title)).json;
        expect(recordings.map(({ id }: { id: string }) => id).includes(track.mbid)).toBe(atMusicBrainz);
        if (!atSpotify && items.length > 0) onlyDecoys += 1;
      }
      expect(onlyDecoys).toBeGreaterThan(0);
    }));

  it('is the entry at Last.fm where it knows the track; else a shadow or an error is', () =>
    withSimulator(hard, async (simulator) => {
      for (const { track, atLastfm } of tracksOf(simulator.catalogue)) {
        const { json } = await searches.lastfm(simulator, track.artist, track.title);
        const real = json.error === undefined && json.track.listeners !== '2';
        expect(real).toBe(atLastfm);
        if (real) expect(json.track).toMatchObject({ name: track.title, artist: { name: track.artist } });
      }
    }));

  it('comes by ISRC and by id exactly where the provider knows the track', () =>
    withSimulator(hard, async (simulator) => {
      for (const { track, atSpotify } of tracksOf(simulator.catalogue)) {
        const byIsrc = await spotifyAsk(simulator, `/search?type=track&q=isrc:${track.isrc}`);
        expect(byIsrc.json.tracks.items).toHaveLength(atSpotify ? 1 : 0);
        expect((await spotifyAsk(simulator, `/tracks/${track.spotifyId}`)).status).toBe(
          atSpotify ? 200 : 404,
        );
      }
    }));
});
