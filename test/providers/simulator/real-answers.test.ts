import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Faults, noFaults } from '../../../src/providers/simulator/faults.ts';
import type { Simulator } from '../../../src/providers/simulator/simulator.ts';
import {
  ask,
  lastfmAsk,
  musicbrainzAsk,
  plainTracks,
  searches,
  spotifyAsk,
  withSimulator,
} from './running.ts';

const folder = resolve(import.meta.dirname, '../../../../shared/data/provider-payloads');

/**
 * Every place in a JSON value with the types that stand there, lists without their indexes. A missing value and a
 * null say nothing about a type.
 */
function shapeOf(value: unknown, shape: Map<string, Set<string>> = new Map(), path = '$') {
  const type = Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value;
  shape.set(path, (shape.get(path) ?? new Set()).add(type));
  if (Array.isArray(value)) for (const one of value) shapeOf(one, shape, `${path}[]`);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, one] of Object.entries(value)) shapeOf(one, shape, `${path}.${key}`);
  }
  return shape;
}

/** What a simulated answer has that no real one has, as `place: type`. */
function inventions(simulated: unknown, files: readonly string[]): readonly string[] {
  const real = new Map<string, Set<string>>();
  for (const file of files) shapeOf(JSON.parse(readFileSync(join(folder, file), 'utf8')), real);
  return [...shapeOf(simulated)].flatMap(([path, types]) => {
    const known = real.get(path);
    return [...types]
      .filter((type) => type !== 'null' && !(known?.has(type) === true || isOnlyNull(known)))
      .map((type) => `${path}: ${type}`);
  });
}

function isOnlyNull(types: ReadonlySet<string> | undefined): boolean {
  return types !== undefined && types.size === 1 && types.has('null');
}

const lookups = ['musicbrainz/recording.lookup.json'];
const tracks = plainTracks(80);

/** Where the data is missing, this skips. */
describe.skipIf(!existsSync(folder))('beside real answers, the simulator', () => {
  const decoyed = { tracks, decoyShare: 0.5, unknownShare: 0.2 };

  async function eachTrack(simulator: Simulator, kind: keyof typeof searches): Promise<unknown[]> {
    const told: unknown[] = [];
    for (const { artist, title } of tracks) told.push((await searches[kind](simulator, artist, title)).json);
    return told;
  }

  it('invents nothing in a search at Spotify', () =>
    withSimulator(decoyed, async (simulator) => {
      const real = ['search.tracks', 'search.tracks.uptown', 'search.tracks.wanna_know.p1'];
      for (const told of await eachTrack(simulator, 'spotify')) {
        expect(
          inventions(
            told,
            real.map((name) => `spotify/${name}.json`),
          ),
        ).toEqual([]);
      }
    }));

  it('invents nothing in a token', () =>
    withSimulator({}, async (simulator) => {
      const headers = { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` };
      const { json } = await ask(simulator, '/spotify/api/token', { method: 'POST', headers });
      expect(inventions(json, ['spotify/token.client_credentials.json'])).toEqual([]);
    }));

  it('invents nothing in a search at MusicBrainz', () =>
    withSimulator(decoyed, async (simulator) => {
      for (const told of await eachTrack(simulator, 'musicbrainz')) {
        const recordings = told as { recordings: unknown[] };
        const real = ['musicbrainz/recording.search.json'];
        // joinphrase stands in lookups, and in searches where there are several artists.
        const found = inventions(recordings, real).filter((one) => !one.includes('.joinphrase:'));
        expect(found).toEqual([]);
      }
    }));

  it('invents nothing in a lookup at MusicBrainz, beyond what a search has', () =>
    withSimulator({ tracks }, async (simulator) => {
      for (const { mbid } of simulator.catalogue.all()) {
        const { json } = await musicbrainzAsk(simulator, `/recording/${mbid}`);
        // The recorded lookup asked for neither ISRCs nor release groups.
        const found = inventions(json, lookups).filter((one) => !/isrcs|release-group/.test(one));
        expect(found).toEqual([]);
      }
    }));

  it('invents nothing in track.getInfo but the shapes that are known for it', () =>
    withSimulator(decoyed, async (simulator) => {
      const real = [
        'track.getinfo',
        'track.getinfo.no_album.shape',
        'track.getinfo.shadow',
        'error.6.artist_not_found',
      ];
      const known = new Set([
        // Empty tags as a text, one tag as an object, a streamable that is none: told, not among the files.
        '$.track.toptags: string',
        '$.track.toptags.tag: object',
        '$.track.toptags.tag.name: string',
        '$.track.toptags.tag.url: string',
        '$.track.streamable: string',
      ]);
      for (const told of await eachTrack(simulator, 'lastfm')) {
        const found = inventions(
          told,
          real.map((name) => `lastfm/${name}.json`),
        );
        expect(found.filter((one) => !known.has(one))).toEqual([]);
      }
    }));

  it('invents nothing in track.search, a list of one apart', () =>
    withSimulator({ decoyShare: 1 }, async (simulator) => {
      const real = ['track.search', 'track.search.shape', 'track.search.empty'].map(
        (name) => `lastfm/${name}.json`,
      );
      for (const query of ['track=Small+Weather&artist=Copper+Finch', 'track=Nothing']) {
        const { json } = await lastfmAsk(simulator, `method=track.search&${query}`);
        expect(inventions(json, real)).toEqual([]);
      }
    }));

  it.each<[file: string, status: number, told: (simulator: Simulator) => ReturnType<typeof ask>]>([
    ['spotify/error.404.json', 404, (one) => spotifyAsk(one, '/tracks/1')],
    ['musicbrainz/error.400.bad_query.json', 400, (one) => musicbrainzAsk(one, '/recording?query=')],
    ['musicbrainz/error.400.invalid_mbid.json', 400, (one) => musicbrainzAsk(one, '/recording/x')],
    ['musicbrainz/error.404.not_found.json', 404, (one) => musicbrainzAsk(one, '/isrc/GBAYE0609999')],
    [
      'musicbrainz/error.403.no_user_agent.json',
      403,
      (one) => ask(one, '/musicbrainz/ws/2/recording?query=x'),
    ],
    ['lastfm/error.3.json', 400, (one) => lastfmAsk(one, 'method=x')],
    ['lastfm/error.10.invalid_api_key.json', 403, (one) => ask(one, '/lastfm/2.0/?method=track.getInfo')],
  ])('answers %s word for word with %i', (file, status, told) =>
    withSimulator({}, async (simulator) => {
      const answer = await told(simulator);
      expect(answer.status).toBe(status);
      expect(answer.json).toEqual(JSON.parse(readFileSync(join(folder, file), 'utf8')));
    }),
  );

  it.each<[file: string, status: number, kind: keyof typeof searches, faults: Partial<Faults>]>([
    ['spotify/error.429.rate_limit.json', 429, 'spotify', { throttleShare: 1 }],
    ['musicbrainz/error.503.rate_limited.json', 503, 'musicbrainz', { throttleShare: 1 }],
    ['musicbrainz/error.503.server_busy.json', 503, 'musicbrainz', { musicbrainzBusyShare: 1 }],
  ])('fails as in %s word for word with %i', (file, status, kind, faults) =>
    withSimulator({ faults: { ...noFaults, ...faults } }, async (simulator) => {
      const answer = await searches[kind](simulator, 'Copper Finch', 'Small Weather');
      expect(answer.status).toBe(status);
      expect(answer.json).toEqual(JSON.parse(readFileSync(join(folder, file), 'utf8')));
    }),
  );
});
