import { describe, expect, it } from 'vitest';
import { ask, lastfmAsk, plainTracks, searches, trackOf, withSimulator } from './running.ts';

describe("the simulator's Last.fm", () => {
  it('answers error 10 in its body to a call without a key', () =>
    withSimulator({}, async (simulator) => {
      for (const query of ['method=track.getInfo', 'method=track.getInfo&api_key=']) {
        const { status, json } = await ask(simulator, `/lastfm/2.0/?${query}`);
        expect(status).toBe(403);
        expect(json).toEqual({ message: expect.stringContaining('Invalid API key'), error: 10 });
      }
    }));

  it.each<[query: string, status: number, error: number, message: RegExp]>([
    ['method=track.love', 400, 3, /No method with that name/],
    ['', 400, 3, /No method with that name/],
    ['method=track.getInfo&artist=A', 400, 6, /missing a required parameter/],
    ['method=track.getInfo&mbid=30cb03f3-bd95-43b0-9d41-000000000000', 200, 6, /not found/],
  ])('answers %j with %i and error %i', (query, status, error, message) =>
    withSimulator({}, async (simulator) => {
      const told = await lastfmAsk(simulator, query);
      expect(told.status).toBe(status);
      expect(told.json).toEqual({ error, message: expect.stringMatching(message), links: [] });
    }),
  );

  it('gives its numbers as texts', () =>
    withSimulator({ tracks: [trackOf({ durationMs: 201_500 })] }, async (simulator) => {
      const { track } = (await searches.lastfm(simulator, 'copper finch', 'small weather')).json;
      expect(track).toMatchObject({ name: 'Small Weather', artist: { name: 'Copper Finch' } });
      for (const number of [track.listeners, track.playcount, track.duration]) {
        expect(number).toEqual(expect.stringMatching(/^\d+$/));
      }
      expect(track.url).toBe('https://www.last.fm/music/Copper+Finch/_/Small+Weather');
    }));

  it('has every odd shape: no mbid, no album, length 0, empty images, one tag as an object, none as a text', () =>
    withSimulator({ tracks: plainTracks(300) }, async (simulator) => {
      const shares: Record<string, number> = {};
      const count = (what: string, holds: boolean) => {
        shares[what] = (shares[what] ?? 0) + (holds ? 1 / 300 : 0);
      };
      for (const { artist, title } of plainTracks(300)) {
        const { track } = (await searches.lastfm(simulator, artist, title)).json;
        count('no mbid', track.mbid === undefined);
        count('no album', track.album === undefined);
        count('length 0', track.duration === '0');
        count(
          'empty image',
          track.album?.image.some((one: { '#text': string }) => one['#text'] === ''),
        );
        count('streamable a text', track.streamable === 'FIXME');
        count('streamable an object', typeof track.streamable === 'object');
        count('no tags', track.toptags === '');
        count('one tag', typeof track.toptags === 'object' && !Array.isArray(track.toptags.tag));
        count('tags', Array.isArray(track.toptags.tag));
      }
      for (const [what, share] of Object.entries(shares)) {
        expect(share, what).toBeGreaterThan(0.1);
        expect(share, what).toBeLessThan(0.7);
      }
    }));

  it('makes up an entry for about half of what it does not know, and the rest is error 6 inside HTTP 200', () =>
    withSimulator({}, async (simulator) => {
      let shadows = 0;
      for (let n = 0; n < 200; n++) {
        const { status, json } = await searches.lastfm(simulator, `Nobody ${n}`, 'Nothing');
        expect(status).toBe(200);
        if (json.error !== undefined) {
          expect(json).toEqual({ error: 6, message: 'Track not found', links: [] });
          continue;
        }
        shadows += 1;
        expect(json.track).toMatchObject({ name: 'Nothing', duration: '0', listeners: '2', playcount: '4' });
        expect(json.track).not.toHaveProperty('mbid');
      }
      expect(shadows).toBeGreaterThan(70);
      expect(shadows).toBeLessThan(130);
    }));

  it('collapses a list of one in track.search, and gives an empty list for none', () =>
    withSimulator({ tracks: [trackOf({})] }, async (simulator) => {
      const one = (await lastfmAsk(simulator, 'method=track.search&artist=Copper+Finch&track=Small+Weather'))
        .json.results;
      expect(one['opensearch:totalResults']).toBe('1');
      expect(one.trackmatches.track).toMatchObject({ name: 'Small Weather', artist: 'Copper Finch' });
      const none = (await lastfmAsk(simulator, 'method=track.search&track=Nothing')).json.results;
      expect(none['opensearch:totalResults']).toBe('0');
      expect(none.trackmatches.track).toEqual([]);
    }));

  it('lists the decoys beside the track in track.search', () =>
    withSimulator({ decoyShare: 1 }, async (simulator) => {
      const { trackmatches } = (
        await lastfmAsk(simulator, 'method=track.search&track=Small+Weather+Copper+Finch')
      ).json.results;
      expect(trackmatches.track).toHaveLength(3);
    }));
});
