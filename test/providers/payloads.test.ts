import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Lookup, Outcome } from '../../src/domain/answer.ts';
import type { Http } from '../../src/providers/http.ts';
import { createLastfm } from '../../src/providers/lastfm.ts';
import { createMusicBrainz } from '../../src/providers/musicbrainz.ts';
import type { ProviderClient } from '../../src/providers/provider-client.ts';
import { createSpotify } from '../../src/providers/spotify.ts';

const folder = resolve(import.meta.dirname, '../../../shared/data/provider-payloads');
const search: Lookup = { kind: 'search', artist: 'an artist', title: 'a title' };

function httpSaying(status: number, file: string): Http {
  const text = readFileSync(join(folder, file), 'utf8');
  const token = JSON.stringify({ access_token: 'a-token' });
  return {
    get: async () => ({ kind: 'response', status, header: () => null, text }),
    post: async () => ({ kind: 'response', status: 200, header: () => null, text: token }),
    close: async () => undefined,
  };
}

const clients: Readonly<Record<string, (http: Http) => ProviderClient>> = {
  spotify: (http) =>
    createSpotify({ http, baseUrl: 'http://s', tokenUrl: 'http://t', clientId: 'i', clientSecret: 's' }),
  musicbrainz: (http) => createMusicBrainz({ http, baseUrl: 'http://m', userAgent: 'test/1' }),
  lastfm: (http) => createLastfm({ http, baseUrl: 'http://l', apiKey: 'k' }),
};

/** Real answers of the providers. Where the data is missing, this skips. */
describe.skipIf(!existsSync(folder))('real answers', () => {
  it.each<[file: string, status: number, means: Partial<Outcome>]>([
    ['spotify/search.tracks.json', 200, { kind: 'found' }],
    ['spotify/search.tracks.uptown.json', 200, { kind: 'found' }],
    ['spotify/search.tracks.wanna_know.p1.json', 200, { kind: 'found' }],
    ['spotify/error.401.expired_token.json', 401, { kind: 'unauthorised' }],
    ['spotify/error.404.json', 404, { kind: 'missing' }],
    ['spotify/error.429.rate_limit.json', 429, { kind: 'throttled', scope: 'rate', retryAfterMs: 5000 }],
    ['spotify/error.429.quota_exceeded.json', 429, { kind: 'throttled', scope: 'quota' }],
    ['musicbrainz/recording.search.json', 200, { kind: 'found' }],
    ['musicbrainz/error.400.bad_query.json', 400, { kind: 'misused' }],
    ['musicbrainz/error.403.no_user_agent.json', 403, { kind: 'unauthorised' }],
    ['musicbrainz/error.404.not_found.json', 404, { kind: 'missing' }],
    ['musicbrainz/error.503.rate_limited.json', 503, { kind: 'throttled', retryAfterMs: 1000 }],
    ['musicbrainz/error.503.server_busy.json', 503, { kind: 'unavailable', reason: 'overloaded' }],
    ['lastfm/track.getinfo.json', 200, { kind: 'found' }],
    ['lastfm/track.getinfo.with_user.json', 200, { kind: 'found' }],
    ['lastfm/track.getinfo.no_album.shape.json', 200, { kind: 'found' }],
    ['lastfm/track.getinfo.shadow.json', 200, { kind: 'missing', reason: 'shadow-entry' }],
    ['lastfm/error.3.json', 400, { kind: 'misused' }],
    ['lastfm/error.6.artist_not_found.json', 200, { kind: 'missing' }],
    ['lastfm/error.6.album_not_found.json', 404, { kind: 'missing' }],
    ['lastfm/error.8.json', 500, { kind: 'unavailable', reason: 'server-error' }],
    ['lastfm/error.9.invalid_session.json', 403, { kind: 'unauthorised' }],
    ['lastfm/error.10.invalid_api_key.json', 403, { kind: 'unauthorised' }],
  ])('%s with %i is classified', async (file, status, means) => {
    const client = clients[file.split('/')[0] ?? '']?.(httpSaying(status, file));
    const outcome = (await client?.call(search))?.outcome;
    expect(outcome).toMatchObject(means);
    if (outcome?.kind !== 'found') return;
    for (const { title, artists, durationMs } of outcome.candidates) {
      expect(title).not.toBe('');
      expect(artists.length).toBeGreaterThan(0);
      expect(durationMs).toBeGreaterThan(10_000);
    }
  });
});
