import { describe, expect, it } from 'vitest';
import { ask, musicbrainzAsk, plainTracks, searches, trackOf, withSimulator } from './running.ts';

const known = trackOf({
  isrc: 'GBAYE0601498',
  mbid: '30cb03f3-bd95-43b0-9d41-6d75e13cd353',
  durationMs: 201_500,
  year: 2011,
});
const help = 'For usage, please see: https://musicbrainz.org/development/mmd';

describe("the simulator's MusicBrainz", () => {
  it.each<[says: string, headers: Record<string, string>]>([
    ['no User-Agent', {}],
    ['an empty one', { 'user-agent': '' }],
    ['a blank one', { 'user-agent': '  ' }],
  ])('answers 403 and who is missing to %s', (_says, headers) =>
    withSimulator({}, async (simulator) => {
      const told = await ask(simulator, '/musicbrainz/ws/2/recording?query=x', { headers });
      expect(told.status).toBe(403);
      expect(told.headers['x-ratelimit-who']).toBe('ua-missing');
      expect(told.json.error).toContain('has not identified itself');
    }),
  );

  it('finds a track by a Lucene query, whatever is escaped in it, by ISRC and by MBID', () =>
    withSimulator({ tracks: [{ ...known, title: 'What? (A "Test") AND More' }] }, async (simulator) => {
      const escaped = 'What\\? \\(A \\"Test\\"\\) AND More';
      const found = await searches.musicbrainz(simulator, 'Copper Finch', escaped);
      expect(found.status).toBe(200);
      expect(found.json).toMatchObject({ count: 1, offset: 0, created: expect.any(String) });
      const [recording] = found.json.recordings;
      expect(recording).toMatchObject({ id: known.mbid, score: 100, title: 'What? (A "Test") AND More' });
      const byIsrc = await musicbrainzAsk(simulator, '/isrc/GBAYE0601498?inc=artist-credits+isrcs&fmt=json');
      expect(byIsrc.json).toMatchObject({ isrc: 'GBAYE0601498', recordings: [{ id: known.mbid }] });
      expect(byIsrc.json.recordings[0]).toHaveProperty('isrcs', ['GBAYE0601498']);
      const byMbid = await musicbrainzAsk(simulator, `/recording/${known.mbid}?fmt=json`);
      expect(byMbid.json).toMatchObject({ id: known.mbid, isrcs: ['GBAYE0601498'] });
      expect(byMbid.json).not.toHaveProperty('score');
    }));

  it('reads a query as Lucene does: only upper-case AND joins, and a field may come in any order', () =>
    withSimulator({ tracks: [known] }, async (simulator) => {
      const count = async (query: string) => {
        const told = await musicbrainzAsk(simulator, `/recording?query=${encodeURIComponent(query)}`);
        return told.status === 200 ? told.json.recordings.length : told.status;
      };
      expect(await count('artist:"Copper Finch" AND recording:"Small Weather"')).toBe(1);
      expect(await count('isrc:GBAYE0601498')).toBe(1);
      expect(await count('artist:"Copper Finch" and recording:"Small Weather"')).toBe(400);
    }));

  it.each<[path: string, status: number, error: RegExp]>([
    ['/recording?query=', 400, /do not match any available query type/],
    ['/recording', 400, /do not match any available query type/],
    ['/recording?query=%22unclosed', 400, /do not match any available query type/],
    ['/recording/not-an-mbid', 400, /Invalid mbid/],
    ['/isrc/GB123', 400, /Invalid isrc/],
    ['/isrc/GBAYE0609999', 404, /Not Found/],
    ['/recording/30cb03f3-bd95-43b0-9d41-000000000000', 404, /Not Found/],
    ['/release/30cb03f3-bd95-43b0-9d41-000000000000', 404, /Not Found/],
  ])('answers %s with %i and the error and help of the real one', (path, status, error) =>
    withSimulator({ tracks: [known] }, async (simulator) => {
      const told = await musicbrainzAsk(simulator, path);
      expect(told.status).toBe(status);
      expect(told.json).toEqual({ help, error: expect.stringMatching(error) });
    }),
  );

  it('answers 200 with an empty list to a search for what it does not know', () =>
    withSimulator({}, async (simulator) => {
      const { status, json } = await searches.musicbrainz(simulator, 'Nobody', 'Nothing');
      expect(status).toBe(200);
      expect(json).toMatchObject({ count: 0, recordings: [] });
    }));

  it('takes a limit outside 1 to 100 for 25, without a word', () =>
    withSimulator({ decoyShare: 1 }, async (simulator) => {
      const query = encodeURIComponent('recording:"Small Weather" AND artist:"Copper Finch"');
      const listed = async (limit: string) =>
        (await musicbrainzAsk(simulator, `/recording?limit=${limit}&query=${query}`)).json.recordings.length;
      expect(await listed('1')).toBe(1);
      expect(await listed('2')).toBe(2);
      for (const odd of ['0', '-5', '101', 'many']) expect(await listed(odd)).toBe(3);
    }));

  it('has recordings tie at score 100, of which some lack ISRCs, tags, a length or a full date', () =>
    withSimulator({ tracks: plainTracks(300), decoyShare: 1 }, async (simulator) => {
      const seen = { isrcs: 0, tags: 0, lengths: 0, dates: new Set<number>(), all: 0 };
      for (const { artist, title } of plainTracks(300)) {
        const { recordings } = (await searches.musicbrainz(simulator, artist, title)).json;
        expect(recordings).toHaveLength(3);
        for (const one of recordings) {
          expect(one.score).toBe(100);
          seen.all += 1;
          if (one.isrcs !== undefined) seen.isrcs += 1;
          if (one.tags !== undefined) seen.tags += 1;
          if (one.length !== null) seen.lengths += 1;
          seen.dates.add(one['first-release-date'].length);
        }
      }
      expect(seen.isrcs / seen.all).toBeGreaterThan(0.4);
      expect(seen.isrcs / seen.all).toBeLessThan(0.6);
      expect(seen.tags / seen.all).toBeGreaterThan(0.4);
      expect(seen.tags / seen.all).toBeLessThan(0.6);
      expect(seen.lengths / seen.all).toBeGreaterThan(0.9);
      expect(seen.lengths).toBeLessThan(seen.all);
      expect([...seen.dates].sort((a, b) => a - b)).toEqual([4, 7, 10]);
    }));
});
