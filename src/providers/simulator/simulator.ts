import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Provider } from '../../domain/provider.ts';
import { createCallLog, type LoggedCall } from './call-log.ts';
import { createMeter, type MeterReport } from './call-meter.ts';
import { type Catalogue, type CatalogueTrack, readCatalogue } from './catalogue.ts';
import { type Faults, faultOf, throttled } from './faults.ts';
import { createIdentifierIndex } from './identifiers.ts';
import { answerLastfm } from './lastfm-api.ts';
import { answerMusicBrainz } from './musicbrainz-api.ts';
import { type RequestTarget, readTarget } from './request-target.ts';
import { answerSpotify } from './spotify-api.ts';
import { type Answer, json, type World } from './world.ts';

export interface SimulatorOptions {
  readonly tracks: Iterable<CatalogueTrack> | AsyncIterable<CatalogueTrack>;
  /** 0: any free one. */
  readonly port: number;
  readonly seed: number;
  /** Share of tracks that a provider does not know. */
  readonly unknownShare: number;
  readonly decoyShare: number;
  readonly latencyMs: number;
  readonly faults: Faults;
  /** What the providers allow; Infinity lifts the limit. */
  readonly ratesPerSecond: Readonly<Record<Provider, number>>;
}

/** The three APIs on one loopback port, answering from a catalogue of tracks. */
export interface Simulator {
  readonly url: string;
  readonly catalogue: Catalogue;
  /** The environment that points this project at it. */
  readonly environment: Readonly<Record<string, string>>;
  report(): Readonly<Record<Provider, MeterReport>>;
  /** The last calls, oldest first. */
  calls(): readonly LoggedCall[];
  /** Ends at once; calls that hang or wait for their answer are cut off. */
  close(): Promise<void>;
}

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { seed, faults, latencyMs, decoyShare } = options;
  const catalogue = await readCatalogue(options.tracks, options);
  const byIdentifier = createIdentifierIndex(catalogue, options);
  const world: World = { catalogue, byIdentifier, seed, decoyShare };
  const log = createCallLog();
  const meter = createMeter(options.ratesPerSecond);
  const startedMs = performance.now();
  const calls: Record<Provider, number> = { spotify: 0, musicbrainz: 0, lastfm: 0 };
  const onTheirWay = new Set<NodeJS.Timeout>();

  function handle(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const target = readTarget(request.url ?? '');
    if (target === null) {
      send(response, { status: 404, headers: {}, body: '{}' });
      return;
    }
    const { api, path } = target;
    if (api === 'simulator') {
      send(response, ownPage(path, request.method));
      return;
    }
    // Tokens come from another host, with no limit of ours.
    const counted = !isTokenCall(target);
    const nowMs = performance.now();
    if (counted) calls[api] += 1;
    const tooEarly = counted && !meter.arrived(api, nowMs);
    const answer =
      (tooEarly ? throttled(api, 1) : null) ??
      (counted ? faultOf(faults, seed, api, calls[api], (nowMs - startedMs) / 1000) : null) ??
      answerOf(api, target, request);
    log.add({
      provider: api,
      call: counted ? calls[api] : 0,
      atMs: Math.round(nowMs - startedMs),
      path: target.shown,
      status: answer === 'hang' ? null : answer.status,
      tooEarly,
    });
    if (answer === 'hang') return;
    const reply = () => {
      if (counted) meter.answered(api, answer.status);
      send(response, answer);
    };
    if (latencyMs > 0) later(reply);
    else reply();
  }

  function later(reply: () => void): void {
    const timer = setTimeout(() => {
      onTheirWay.delete(timer);
      reply();
    }, latencyMs);
    onTheirWay.add(timer);
  }

  function ownPage(path: string, method: string | undefined): Answer {
    if (path !== '/report' && path !== '/calls') return { status: 404, headers: {}, body: '{}' };
    if (method !== 'GET' && method !== 'HEAD') return wrongMethod;
    return json(200, path === '/calls' ? log.calls() : meter.report());
  }

  function answerOf(api: Provider, target: RequestTarget, { headers, method }: IncomingMessage): Answer {
    const { path, query } = target;
    const rightMethod = isTokenCall(target) ? method === 'POST' : method === 'GET' || method === 'HEAD';
    if (!rightMethod) return wrongMethod;
    if (api === 'spotify') return answerSpotify(world, path, query, headers.authorization ?? null);
    if (api === 'musicbrainz') return answerMusicBrainz(world, path, query, headers['user-agent'] ?? null);
    return answerLastfm(world, query);
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, handle);
  await new Promise<void>((done, failed) =>
    server.once('error', failed).listen(options.port, '127.0.0.1', done),
  );
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : options.port;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    catalogue,
    environment: {
      SPOTIFY_BASE_URL: `${url}/spotify/v1`,
      SPOTIFY_TOKEN_URL: `${url}/spotify/api/token`,
      SPOTIFY_CLIENT_ID: 'simulated',
      SPOTIFY_CLIENT_SECRET: 'simulated',
      MUSICBRAINZ_BASE_URL: `${url}/musicbrainz/ws/2`,
      MUSICBRAINZ_USER_AGENT: 'enrichment-ledger/0.1 ( simulated@example.org )',
      LASTFM_BASE_URL: `${url}/lastfm/2.0/`,
      LASTFM_API_KEY: 'simulated',
    },
    report: meter.report,
    calls: log.calls,
    async close() {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      for (const timer of onTheirWay) clearTimeout(timer);
      onTheirWay.clear();
      await closed;
    },
  };
}

function isTokenCall({ api, path }: RequestTarget): boolean {
  return api === 'spotify' && path === '/api/token';
}

const wrongMethod: Answer = { status: 405, headers: {}, body: '{}' };

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    ...headers,
    'content-length': bytes.length,
  });
  response.end(bytes);
}
