import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHttp, type Http } from '../../src/providers/http.ts';
import { createSpotify } from '../../src/providers/spotify.ts';
import { byIsrc, providerClientContract, search } from './contract.ts';
import { type LocalServer, type Received, type Reply, startLocalServer } from './local-server.ts';

const clientId = 'the-client-id';
const clientSecret = 'the-client-secret';
const result = {
  id: 'sp1',
  name: 'A Song',
  artists: [{ name: 'Nina Example' }, { name: 'A Guest' }],
  duration_ms: 201_000,
  explicit: false,
  external_ids: { isrc: 'gb-aye-00-00351' },
  album: {
    name: 'An Album',
    release_date: '2001-02',
    images: [
      { url: 'https://i.example/64', width: 64 },
      { url: 'https://i.example/640', width: 640 },
      { url: 'https://i.example/300', width: 300 },
    ],
  },
  popularity: 41,
};
const bodyAround = (one: unknown) => ({ tracks: { items: [one, null] } });
const error = (status: number, message: string, more: Record<string, string> = {}) =>
  JSON.stringify({ error: { status, message, ...more } });

/** Tokens come from the data of the test, so that the calls alone reach the server under test. */
function withTokens(http: Http): Http {
  return {
    ...http,
    post: async () => ({
      kind: 'response',
      status: 200,
      header: () => null,
      text: JSON.stringify({ access_token: 'the-access-token', expires_in: 3600 }),
    }),
  };
}

providerClientContract({
  provider: 'spotify',
  create: (http, url) =>
    createSpotify({ http: withTokens(http), baseUrl: url, tokenUrl: `${url}/token`, clientId, clientSecret }),
  secrets: [clientSecret, 'the-access-token'],
  bodyAround,
  result,
  rows: [
    {
      says: 'no items as missing',
      reply: { status: 200, body: '{"tracks":{"items":[]}}' },
      means: { kind: 'missing' },
    },
    {
      says: '404 as missing',
      reply: { status: 404, body: error(404, 'Not found') },
      means: { kind: 'missing' },
    },
    {
      says: '400 as misused',
      reply: { status: 400, body: error(400, 'Invalid limit') },
      means: { kind: 'misused', message: 'Invalid limit' },
    },
    {
      says: '403 as unauthorised',
      reply: { status: 403, body: error(403, 'Active premium subscription required') },
      means: { kind: 'unauthorised' },
    },
    {
      says: '429 with Retry-After',
      reply: { status: 429, headers: { 'retry-after': '7' }, body: error(429, 'slow') },
      means: { kind: 'throttled', scope: 'rate', retryAfterMs: 7000 },
    },
    {
      says: '429 without Retry-After as 5 s',
      reply: { status: 429, body: '' },
      means: { kind: 'throttled', scope: 'rate', retryAfterMs: 5000 },
    },
    {
      says: 'a spent quota as an hour',
      reply: { status: 429, body: error(429, 'x', { reason: 'QUOTA_EXCEEDED' }) },
      means: { kind: 'throttled', scope: 'quota', retryAfterMs: 3_600_000 },
    },
    {
      says: 'a spent quota with Retry-After as that long',
      reply: {
        status: 429,
        headers: { 'retry-after': '12471' },
        body: error(429, 'x', { reason: 'QUOTA_EXCEEDED' }),
      },
      means: { kind: 'throttled', scope: 'quota', retryAfterMs: 12_471_000 },
    },
    ...[500, 502, 503, 504].map((status) => ({
      says: `${status} as unavailable`,
      reply: { status, body: '' },
      means: { kind: 'unavailable', reason: 'server-error' } as const,
    })),
    {
      says: 'HTML with 200 as a broken body',
      reply: { status: 200, body: '<html>' },
      means: { kind: 'unavailable', reason: 'broken-body' },
    },
    {
      says: '401 for a token that worked as a token that ran out',
      reply: { status: 401, body: error(401, 'The access token expired') },
      means: { kind: 'unavailable', reason: 'token-expired' },
    },
  ],
});

describe("Spotify's questions, values and tokens", () => {
  let server: LocalServer;
  let http: Http;
  let nowMs = 0;
  let tokens = 0;
  const tokenReply = (): Reply => ({
    status: 200,
    body: JSON.stringify({ access_token: `token-${++tokens}`, expires_in: 3600 }),
  });
  const found: Reply = { status: 200, body: JSON.stringify(bodyAround(result)) };
  const route = (token: () => Reply, api: (request: Received) => Reply) =>
    server.answer((request) => (request.url.pathname === '/token' ? token() : api(request)));
  const tokenCalls = () => server.received.filter(({ url }) => url.pathname === '/token');
  const create = () =>
    createSpotify({
      http,
      baseUrl: server.url,
      tokenUrl: `${server.url}/token`,
      clientId,
      clientSecret,
      now: () => nowMs,
    });

  beforeAll(async () => {
    server = await startLocalServer();
    http = createHttp({ timeoutMs: 2000, userAgent: 'test/1' });
  });
  beforeEach(() => {
    tokens = 0;
  });
  afterAll(async () => {
    await http.close();
    await server.close();
  });

  it('asks by title and artist with quotes made harmless, and by ISRC', async () => {
    route(tokenReply, () => found);
    const client = create();
    await client.call({ kind: 'search', artist: 'The "X"', title: 'Say "Hi"' });
    await client.call(byIsrc);
    const [first, second] = server.received.slice(1).map(({ url }) => url.searchParams);
    expect(first?.get('q')).toBe(`track:"Say 'Hi'" artist:"The 'X'"`);
    expect(first?.get('type')).toBe('track');
    expect(first?.get('limit')).toBe('5');
    expect(second?.get('q')).toBe('isrc:GBAYE0000351');
  });

  it('maps a result to values', async () => {
    route(tokenReply, () => found);
    const { outcome } = await create().call(search);
    expect(outcome).toMatchObject({
      kind: 'found',
      candidates: [
        {
          id: 'sp1',
          title: 'A Song',
          artists: ['Nina Example', 'A Guest'],
          durationMs: 201_000,
          isrcs: ['GBAYE0000351'],
          values: {
            isrc: 'GBAYE0000351',
            spotifyId: 'sp1',
            durationMs: 201_000,
            album: 'An Album',
            releaseDate: '2001-02',
            artworkLargeUrl: 'https://i.example/640',
            artworkMediumUrl: 'https://i.example/300',
            artworkSmallUrl: 'https://i.example/64',
            spotifyPopularity: 41,
          },
        },
      ],
    });
  });

  it('gets one token for calls that begin together, and keeps it for its life', async () => {
    route(tokenReply, () => found);
    const client = create();
    await Promise.all(Array.from({ length: 20 }, () => client.call(search)));
    expect(tokenCalls()).toHaveLength(1);
    const { headers, body } = tokenCalls()[0] ?? {};
    expect(headers?.authorization).toBe(
      `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
    );
    expect(body).toBe('grant_type=client_credentials');
    nowMs += 3_541_000;
    await client.call(search);
    expect(tokenCalls()).toHaveLength(2);
  });

  it('takes a fresh token that is refused as wrong keys, for every call that had it', async () => {
    route(tokenReply, () => ({ status: 401, body: error(401, 'Invalid access token') }));
    const client = create();
    await client.prepare();
    const results = await Promise.all([client.call(search), client.call(search)]);
    for (const { outcome, httpStatus } of results) {
      expect(outcome.kind).toBe('unauthorised');
      expect(httpStatus).toBe(401);
    }
  });

  it('drops a token that worked and is refused, and gets another for the next call', async () => {
    let refuse = false;
    route(tokenReply, ({ headers }) =>
      refuse && headers.authorization === 'Bearer token-1'
        ? { status: 401, body: error(401, 'expired') }
        : found,
    );
    const client = create();
    expect((await client.call(search)).outcome.kind).toBe('found');
    refuse = true;
    expect((await client.call(search)).outcome).toMatchObject({
      kind: 'unavailable',
      reason: 'token-expired',
    });
    expect((await client.call(search)).outcome.kind).toBe('found');
    expect(tokenCalls()).toHaveLength(2);
  });

  it.each<[Reply, object]>([
    [
      { status: 400, body: '{"error":"invalid_client","error_description":"Invalid client"}' },
      { kind: 'unauthorised', message: 'Invalid client' },
    ],
    [
      { status: 401, body: `{"error":"${clientSecret}"}` },
      { kind: 'unauthorised', message: '…' },
    ],
    [
      { status: 429, headers: { 'retry-after': '3' }, body: '' },
      { kind: 'throttled', retryAfterMs: 3000 },
    ],
    [
      { status: 503, body: '' },
      { kind: 'unavailable', reason: 'server-error' },
    ],
    [
      { status: 302, body: '' },
      { kind: 'unavailable', reason: 'broken-body' },
    ],
    [
      { status: 200, body: '{"access_token":"two\\nlines"}' },
      { kind: 'unavailable', reason: 'broken-body' },
    ],
  ])(
    'a token endpoint that answers %o decides the call, and is not asked for every call',
    async (reply, means) => {
      route(
        () => reply,
        () => found,
      );
      const client = create();
      await client.prepare();
      const { outcome, httpStatus } = await client.call(search);
      expect(outcome).toMatchObject(means);
      expect(httpStatus).toBe(reply.status);
      expect(server.received).toHaveLength(1);
      nowMs += 1001;
      await client.call(search);
      expect(server.received).toHaveLength(2);
    },
  );
});
