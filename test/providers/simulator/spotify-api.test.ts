import { describe, expect, it } from 'vitest';
import { ask, plainTracks, searches, spotifyAsk, trackOf, withSimulator } from './running.ts';

const known = trackOf({
  isrc: 'GBAYE0601498',
  durationMs: 201_500,
  album: 'Weathers',
  year: 2011,
  spotifyId: '4sIkwgf9bU7rQPvsA37rVQ',
});

describe("the simulator's Spotify", () => {
  it('gives a token for any two keys, and the real refusal without them', () =>
    withSimulator({}, async (simulator) => {
      const token = (authorization?: string) =>
        ask(simulator, '/spotify/api/token', {
          method: 'POST',
          headers: authorization === undefined ? {} : { authorization },
          body: 'grant_type=client_credentials',
        });
      const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
      const given = await token(basic('id:secret'));
      expect(given.status).toBe(200);
      expect(given.json).toEqual({
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_in: 3600,
      });
      for (const wrong of [undefined, basic('id'), basic(':secret'), 'Basic !!', 'Bearer x']) {
        const refused = await token(wrong);
        expect(refused.status).toBe(400);
        expect(refused.json).toEqual({ error: 'invalid_client', error_description: 'Invalid client' });
      }
    }));

  it('answers 401 in its own error body where the token is missing or wrong', () =>
    withSimulator({}, async (simulator) => {
      const path = '/spotify/v1/search?q=x&type=track';
      const without = await ask(simulator, path);
      const wrong = await ask(simulator, path, { headers: { authorization: 'Bearer other' } });
      for (const { status, json } of [without, wrong]) {
        expect(status).toBe(401);
        expect(json).toEqual({ error: { status: 401, message: expect.any(String) } });
      }
    }));

  it('finds a track with what the file says of it, by names, bare words, ISRC and id', () =>
    withSimulator({ tracks: [known] }, async (simulator) => {
      const found = [
        await searches.spotify(simulator, 'Copper Finch', 'Small Weather'),
        await searches.spotify(simulator, 'copper finch', 'SMALL WEATHER!'),
        await spotifyAsk(simulator, '/search?type=track&q=Small%20Weather%20Copper%20Finch'),
        await spotifyAsk(simulator, '/search?type=track&q=Copper%20Finch%20Small%20Weather'),
        await spotifyAsk(simulator, '/search?type=track&q=Small%20Weather%20artist:%22Copper%20Finch%22'),
        await spotifyAsk(simulator, '/search?type=track&q=isrc:GBAYE0601498'),
      ];
      for (const { status, json } of found) {
        expect(status).toBe(200);
        expect(json.tracks.items).toHaveLength(1);
        expect(json.tracks.items[0]).toMatchObject({
          id: known.spotifyId,
          name: 'Small Weather',
          type: 'track',
          duration_ms: 201_500,
          artists: [{ name: 'Copper Finch' }],
          album: { name: 'Weathers', release_date: expect.stringMatching(/^2011(-05-17)?$/) },
        });
      }
      const [{ json } = { json: null }] = found;
      const byId = await spotifyAsk(simulator, `/tracks/${known.spotifyId}`);
      expect(byId.json).toEqual(json.tracks.items[0]);
    }));

  it('answers 200 with an empty list where it knows nothing, and 404 to an id that is none', () =>
    withSimulator({}, async (simulator) => {
      const { status, json } = await searches.spotify(simulator, 'Nobody', 'Nothing');
      expect(status).toBe(200);
      expect(json.tracks).toMatchObject({ items: [], total: 0 });
      const missing = await spotifyAsk(simulator, '/tracks/4sIkwgf9bU7rQPvsA37rVQ');
      expect(missing.status).toBe(404);
      expect(missing.json).toEqual({ error: { status: 404, message: 'Resource not found' } });
    }));

  it.each(['0', '11', '50', '-1', '2.5', 'ten', ''])('refuses the limit %j as ours of today', (limit) =>
    withSimulator({}, async (simulator) => {
      const { status, json } = await spotifyAsk(simulator, `/search?type=track&q=x&limit=${limit}`);
      expect(status).toBe(400);
      expect(json).toEqual({ error: { status: 400, message: 'Invalid limit' } });
    }),
  );

  it('refuses a search for nothing', () =>
    withSimulator({}, async (simulator) => {
      const { status, json } = await spotifyAsk(simulator, '/search?type=track&q=');
      expect(status).toBe(400);
      expect(json.error).toEqual({ status: 400, message: 'No search query' });
    }));

  it('cuts the list to the limit, and what is left is its beginning', () =>
    withSimulator({ decoyShare: 1 }, async (simulator) => {
      const q = encodeURIComponent('track:"Small Weather" artist:"Copper Finch"');
      const all = await spotifyAsk(simulator, `/search?type=track&limit=10&q=${q}`);
      const one = await spotifyAsk(simulator, `/search?type=track&limit=1&q=${q}`);
      expect(all.json.tracks.items).toHaveLength(3);
      expect(one.json.tracks.items).toEqual(all.json.tracks.items.slice(0, 1));
    }));

  it('leaves optional fields away from some tracks, and gives them to most', () =>
    withSimulator({ tracks: plainTracks(300) }, async (simulator) => {
      let ids = 0;
      let popularities = 0;
      let years = 0;
      for (const { artist, title } of plainTracks(300)) {
        const item = (await searches.spotify(simulator, artist, title)).json.tracks.items[0];
        if (item.external_ids !== undefined) ids += 1;
        if (item.popularity !== undefined) popularities += 1;
        if (item.album.release_date_precision === 'year') years += 1;
        const length = item.album.release_date_precision === 'year' ? 4 : 10;
        expect(item.album.release_date).toHaveLength(length);
        if (item.popularity !== undefined) expect(item.popularity).toBeLessThanOrEqual(100);
      }
      expect(ids / 300).toBeGreaterThan(0.88);
      expect(ids).toBeLessThan(300);
      expect(popularities / 300).toBeGreaterThan(0.6);
      expect(popularities / 300).toBeLessThan(0.8);
      expect(years / 300).toBeGreaterThan(0.1);
      expect(years / 300).toBeLessThan(0.3);
    }));

  it('lists every artist of a track by itself', () =>
    withSimulator({ tracks: [trackOf({ artist: 'Copper Finch feat. Mara Lind' })] }, async (simulator) => {
      const { json } = await searches.spotify(simulator, 'Copper Finch feat. Mara Lind', 'Small Weather');
      const names = json.tracks.items[0].artists.map((one: { name: string }) => one.name);
      expect(names).toEqual(['Copper Finch', 'Mara Lind']);
    }));
});
