import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lookup } from '../../src/domain/answer.ts';
import { createHttp, type Http } from '../../src/providers/http.ts';
import { createMusicBrainz } from '../../src/providers/musicbrainz.ts';
import { byIsrc, providerClientContract, search } from './contract.ts';
import { type LocalServer, startLocalServer } from './local-server.ts';

const userAgent = 'test-app/1 ( someone@example.org )';
const result = {
  id: 'mb1',
  title: 'A Song',
  length: '201000',
  'first-release-date': '1999-05-04',
  'artist-credit': [
    { name: 'Nina Example', artist: { name: 'Example, Nina' } },
    { artist: { name: 'A Guest' } },
  ],
  isrcs: ['GBAYE0000351'],
  releases: [
    { title: 'A Single', status: 'Official', 'release-group': { 'primary-type': 'Single' } },
    { title: 'A Bootleg', status: 'Bootleg', 'release-group': { 'primary-type': 'Album' } },
    { title: 'An Album', status: 'Official', 'release-group': { 'primary-type': 'Album' } },
  ],
  genres: [
    { name: 'rock', count: 1 },
    { name: 'folk', count: 5 },
  ],
  tags: [{ name: 'seen live', count: 90 }],
};
const bodyAround = (one: unknown) => ({ recordings: [one, null] });
const ownRate = 'Your requests are exceeding the allowable rate limit.';
const busy = 'The web server is currently busy.';
const error = (text: string) => JSON.stringify({ error: text });

providerClientContract({
  provider: 'musicbrainz',
  create: (http, url) => createMusicBrainz({ http, baseUrl: url, userAgent }),
  secrets: [],
  bodyAround,
  result,
  rows: [
    {
      says: 'no recordings as missing',
      reply: { status: 200, body: '{"recordings":[]}' },
      means: { kind: 'missing', reason: 'no-result' },
    },
    {
      says: 'an unknown ISRC as missing',
      lookup: byIsrc,
      reply: { status: 404, body: error('Not Found') },
      means: { kind: 'missing' },
    },
    {
      says: 'an invalid ISRC as misused',
      lookup: byIsrc,
      reply: { status: 400, body: error('Invalid isrc.') },
      means: { kind: 'misused', message: 'Invalid isrc.' },
    },
    { says: '406 as misused', reply: { status: 406, body: '' }, means: { kind: 'misused' } },
    {
      says: 'a refused user agent as unauthorised',
      reply: { status: 403, headers: { 'x-ratelimit-who': 'ua-missing' }, body: error('not identified') },
      means: { kind: 'unauthorised' },
    },
    { says: '401 as unauthorised', reply: { status: 401, body: '' }, means: { kind: 'unauthorised' } },
    {
      says: '503 for our rate by its words',
      reply: { status: 503, body: error(ownRate) },
      means: { kind: 'throttled', scope: 'rate', retryAfterMs: 1000 },
    },
    {
      says: '503 for our rate by its zone',
      reply: { status: 503, headers: { 'x-ratelimit-zone': 'ws ip=1.2.3.4', 'retry-after': '0' }, body: '' },
      means: { kind: 'throttled', retryAfterMs: 1000 },
    },
    {
      says: '503 for our rate with a longer Retry-After',
      reply: { status: 503, headers: { 'retry-after': '4' }, body: error(ownRate) },
      means: { kind: 'throttled', retryAfterMs: 4000 },
    },
    {
      says: '503 for its load as overloaded',
      reply: {
        status: 503,
        headers: { 'x-ratelimit-zone': 'search-global', 'retry-after': '0' },
        body: error(busy),
      },
      means: { kind: 'unavailable', reason: 'overloaded', retryAfterMs: null },
    },
    ...[500, 502, 504].map((status) => ({
      says: `${status} as unavailable`,
      reply: { status, body: '' },
      means: { kind: 'unavailable', reason: 'server-error' } as const,
    })),
    {
      says: 'HTML with 200 as a broken body',
      reply: { status: 200, body: '<html>' },
      means: { kind: 'unavailable', reason: 'broken-body' },
    },
  ],
});

describe("MusicBrainz' questions and values", () => {
  let server: LocalServer;
  let http: Http;
  const ask = async (lookup: Lookup, recording: unknown = result) => {
    server.answer({ status: 200, body: JSON.stringify(bodyAround(recording)) });
    const { outcome } = await createMusicBrainz({ http, baseUrl: `${server.url}/ws/2`, userAgent }).call(
      lookup,
    );
    return {
      received: server.received[0],
      candidate: outcome.kind === 'found' ? outcome.candidates[0] : undefined,
    };
  };

  beforeAll(async () => {
    server = await startLocalServer();
    http = createHttp({ timeoutMs: 2000, userAgent: 'another/1' });
  });
  afterAll(async () => {
    await http.close();
    await server.close();
  });

  it('asks with its own user agent, and with every character of the query language escaped', async () => {
    const { received } = await ask({ kind: 'search', artist: 'AC/DC', title: 'Why? (a "b" \\ c+d: [e])' });
    expect(received?.headers['user-agent']).toBe(userAgent);
    expect(received?.url.pathname).toBe('/ws/2/recording');
    expect(received?.url.searchParams.get('limit')).toBe('5');
    expect(received?.url.searchParams.get('query')).toBe(
      'recording:"Why\\? \\(a \\"b\\" \\\\ c\\+d\\: \\[e\\]\\)" AND artist:"AC\\/DC"',
    );
  });

  it('asks for an ISRC at its own address, and takes the answer to be about it', async () => {
    const { received, candidate } = await ask(byIsrc, { ...result, isrcs: undefined });
    expect(`${received?.url.pathname}${received?.url.search}`).toBe(
      '/ws/2/isrc/GBAYE0000351?inc=artist-credits+isrcs&fmt=json',
    );
    expect(candidate?.isrcs).toEqual(['GBAYE0000351']);
  });

  it('maps a recording to values', async () => {
    const { candidate } = await ask(search);
    expect(candidate).toEqual({
      id: 'mb1',
      title: 'A Song',
      artists: ['Nina Example', 'A Guest'],
      durationMs: 201_000,
      isrcs: ['GBAYE0000351'],
      values: {
        musicbrainzId: 'mb1',
        durationMs: 201_000,
        isrc: 'GBAYE0000351',
        releaseDate: '1999-05-04',
        genre: 'folk',
        album: 'An Album',
      },
    });
  });

  it('takes tags where there are no genres, the first release where there is no album, and claims none of two ISRCs', async () => {
    const { candidate } = await ask(search, {
      ...result,
      length: null,
      genres: '',
      releases: { title: 'A Single' },
      isrcs: ['GBAYE0000351', 'GBAYE0000352'],
    });
    expect(candidate?.durationMs).toBeNull();
    expect(candidate?.values.genre).toBe('seen live');
    expect(candidate?.values.album).toBe('A Single');
    expect(candidate?.values.isrc).toBeUndefined();
    expect(candidate?.isrcs).toHaveLength(2);
  });
});
