import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttp, type Http } from '../../src/providers/http.ts';
import { createLastfm } from '../../src/providers/lastfm.ts';
import { byIsrc, providerClientContract, search } from './contract.ts';
import { type LocalServer, startLocalServer } from './local-server.ts';

const apiKey = 'the-api-key-of-the-test';
const result = {
  name: 'A Song',
  mbid: 'mb1',
  url: 'https://music.example/Nina+Example/_/A+Song',
  duration: '201000',
  listeners: '1234',
  playcount: '56789',
  artist: { name: 'Nina Example', mbid: 'mb2' },
  album: {
    title: 'An Album',
    image: [
      { '#text': 'https://i.example/34.png', size: 'small' },
      { '#text': '', size: 'large' },
      { '#text': 'https://i.example/2a96cbd8b46e442fc41c2b86b821562f.png', size: 'extralarge' },
    ],
  },
  toptags: { tag: [{ name: 'folk' }, { name: 'rock' }] },
};
const shadow = { name: 'Fake', duration: '0', listeners: '2', artist: { name: 'Nobody' }, toptags: '' };
const bodyAround = (one: unknown) => ({ track: one });
const error = (code: number | string, message: string) => JSON.stringify({ error: code, message });
const codes = (list: readonly number[], kind: 'unauthorised' | 'misused' | 'unavailable') =>
  list.flatMap((code) =>
    [200, 403, 500].map((status) => ({
      says: `error ${code} with ${status} as ${kind}`,
      reply: { status, body: error(code, 'said so') },
      means: { kind },
    })),
  );

providerClientContract({
  provider: 'lastfm',
  create: (http, url) => createLastfm({ http, baseUrl: `${url}/2.0/`, apiKey }),
  secrets: [apiKey],
  bodyAround,
  result,
  rows: [
    {
      says: 'error 6 that says "not found" as missing',
      reply: { status: 200, body: error(6, 'Track not found') },
      means: { kind: 'missing' },
    },
    {
      says: 'error 6 that says "could not be found" as missing',
      reply: { status: 404, body: error('6', 'The artist you supplied could not be found') },
      means: { kind: 'missing' },
    },
    {
      says: 'error 6 with other words as misused',
      reply: { status: 400, body: error(6, 'Invalid parameters') },
      means: { kind: 'misused' },
    },
    {
      says: 'error 7 as missing',
      reply: { status: 200, body: error(7, 'Invalid resource specified') },
      means: { kind: 'missing' },
    },
    {
      says: 'error 29 as throttled',
      reply: { status: 200, body: error(29, 'Rate limit exceeded') },
      means: { kind: 'throttled', scope: 'rate', retryAfterMs: 5000 },
    },
    {
      says: 'error 29 with Retry-After',
      reply: { status: 429, headers: { 'retry-after': '9' }, body: error(29, 'x') },
      means: { kind: 'throttled', retryAfterMs: 9000 },
    },
    {
      says: '429 without a code as throttled',
      reply: { status: 429, body: '' },
      means: { kind: 'throttled' },
    },
    ...codes([4, 9, 10, 13, 17, 26], 'unauthorised'),
    ...codes([3, 5], 'misused'),
    ...codes([2, 8, 11, 16], 'unavailable'),
    {
      says: 'a message that repeats the key without it',
      reply: { status: 403, body: error(10, `Bad key ${apiKey}`) },
      means: { kind: 'unauthorised', message: 'Bad key …' },
    },
    ...[500, 502, 503].map((status) => ({
      says: `${status} with HTML as unavailable`,
      reply: { status, body: '<html>' },
      means: { kind: 'unavailable', reason: 'server-error' } as const,
    })),
    {
      says: 'HTML with 200 as a broken body',
      reply: { status: 200, body: '<html>' },
      means: { kind: 'unavailable', reason: 'broken-body' },
    },
    {
      says: 'a shadow entry as missing',
      reply: { status: 200, body: JSON.stringify(bodyAround(shadow)) },
      means: { kind: 'missing', reason: 'shadow-entry' },
    },
    {
      says: 'a little known track as found',
      reply: { status: 200, body: JSON.stringify(bodyAround({ ...shadow, listeners: '10' })) },
      means: { kind: 'found' },
    },
  ],
});

describe("Last.fm's questions and values", () => {
  let server: LocalServer;
  let http: Http;

  beforeAll(async () => {
    server = await startLocalServer();
    http = createHttp({ timeoutMs: 2000, userAgent: 'test/1' });
  });
  afterAll(async () => {
    await http.close();
    await server.close();
  });
  const client = () => createLastfm({ http, baseUrl: `${server.url}/2.0/`, apiKey });

  it('cannot be asked by ISRC, and makes no call for it', async () => {
    server.answer({ status: 200, body: '{}' });
    expect((await client().call(byIsrc)).outcome.kind).toBe('misused');
    expect(server.received).toHaveLength(0);
  });

  it('asks track.getInfo with autocorrection', async () => {
    server.answer({ status: 200, body: JSON.stringify(bodyAround(result)) });
    await client().call({ kind: 'search', artist: 'A&B', title: 'C=D' });
    expect(server.received[0]?.url.pathname).toBe('/2.0/');
    expect(Object.fromEntries(server.received[0]?.url.searchParams ?? [])).toEqual({
      method: 'track.getInfo',
      artist: 'A&B',
      track: 'C=D',
      autocorrect: '1',
      api_key: apiKey,
      format: 'json',
    });
  });

  it('maps a track to values, without placeholder pictures', async () => {
    server.answer({ status: 200, body: JSON.stringify(bodyAround(result)) });
    const { outcome } = await client().call(search);
    expect(outcome.kind === 'found' ? outcome.candidates : outcome).toEqual([
      {
        id: 'mb1',
        title: 'A Song',
        artists: ['Nina Example'],
        durationMs: 201_000,
        isrcs: [],
        values: {
          lastfmUrl: 'https://music.example/Nina+Example/_/A+Song',
          durationMs: 201_000,
          album: 'An Album',
          genre: 'folk',
          artworkSmallUrl: 'https://i.example/34.png',
          lastfmPlaycount: 56_789,
          lastfmListeners: 1234,
        },
      },
    ]);
  });

  it.each([
    ['a single tag that collapsed', { tag: { name: 'folk' } }, 'folk'],
    ['no tags as an empty text', '', undefined],
    ['no tags as an empty list', { tag: [] }, undefined],
  ])('reads %s', async (_says, toptags, genre) => {
    server.answer({ status: 200, body: JSON.stringify(bodyAround({ ...result, toptags })) });
    const { outcome } = await client().call(search);
    expect(outcome.kind === 'found' ? outcome.candidates[0]?.values.genre : outcome).toBe(genre);
  });
});
