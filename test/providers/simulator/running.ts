import { request } from 'node:http';
import type { CatalogueTrack } from '../../../src/providers/simulator/catalogue.ts';
import { noFaults } from '../../../src/providers/simulator/faults.ts';
import {
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../../src/providers/simulator/simulator.ts';

export const unlimited = {
  spotify: Number.POSITIVE_INFINITY,
  musicbrainz: Number.POSITIVE_INFINITY,
  lastfm: Number.POSITIVE_INFINITY,
} as const;

/** Tracks of which nothing but artist and title is known, as many as are asked for. */
export function plainTracks(count: number): readonly CatalogueTrack[] {
  return Array.from({ length: count }, (_, n) =>
    trackOf({ artist: `Lantern ${n}`, title: `Slow River ${n}` }),
  );
}

export function trackOf(change: Partial<CatalogueTrack>): CatalogueTrack {
  return {
    artist: 'Copper Finch',
    title: 'Small Weather',
    album: null,
    year: null,
    durationMs: null,
    isrc: null,
    spotifyId: null,
    mbid: null,
    ...change,
  };
}

const quiet: SimulatorOptions = {
  tracks: [trackOf({})],
  port: 0,
  seed: 1,
  unknownShare: 0,
  decoyShare: 0,
  latencyMs: 0,
  faults: noFaults,
  ratesPerSecond: unlimited,
};

/** Without decoys, faults and limits, except as the test has it; closed when the test is over. */
export async function withSimulator(
  change: Partial<SimulatorOptions>,
  use: (simulator: Simulator) => Promise<void>,
): Promise<void> {
  const simulator = await startSimulator({ ...quiet, ...change });
  try {
    await use(simulator);
  } finally {
    await simulator.close();
  }
}

export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: foreign JSON, which the tests look into at will
  readonly json: any;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request with exactly this target, also where no URL could be made of it. */
export function ask(simulator: { readonly url: string }, path: string, options: Ask = {}): Promise<Told> {
  const { hostname, port } = new URL(simulator.url);
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {} } = options;
    const sent = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        const json = body.startsWith('{') || body.startsWith('[') ? parsed(body) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, json });
      });
    });
    sent.on('error', reject);
    sent.end(options.body);
  });
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const bearer = { headers: { authorization: 'Bearer simulated-token' } };
const agent = { headers: { 'user-agent': 'test/1 ( test@example.org )' } };

/** The three searches as this project's clients make them. */
export const searches = {
  spotify: (one: { url: string }, artist: string, title: string) =>
    ask(
      one,
      `/spotify/v1/search?type=track&limit=10&q=${encodeURIComponent(`track:"${title}" artist:"${artist}"`)}`,
      bearer,
    ),
  musicbrainz: (one: { url: string }, artist: string, title: string) =>
    ask(
      one,
      `/musicbrainz/ws/2/recording?fmt=json&query=${encodeURIComponent(`recording:"${title}" AND artist:"${artist}"`)}`,
      agent,
    ),
  lastfm: (one: { url: string }, artist: string, title: string) =>
    ask(
      one,
      `/lastfm/2.0/?format=json&api_key=k&method=track.getInfo&artist=${encodeURIComponent(artist)}&track=${encodeURIComponent(title)}`,
    ),
} as const;

export const spotifyAsk = (one: { url: string }, path: string) => ask(one, `/spotify/v1${path}`, bearer);
export const musicbrainzAsk = (one: { url: string }, path: string) =>
  ask(one, `/musicbrainz/ws/2${path}`, agent);
export const lastfmAsk = (one: { url: string }, query: string) =>
  ask(one, `/lastfm/2.0/?format=json&api_key=k&${query}`);
