import { createRedisCache } from '../../src/cache/redis.ts';
import { createRedis } from '../../src/cache/redis-client.ts';
import { readConfig, required } from '../../src/config.ts';
import { isAnswer } from '../../src/domain/answer.ts';
import { lookupKey } from '../../src/domain/lookup.ts';
import { createHttp } from '../../src/providers/http.ts';
import { createLastfm } from '../../src/providers/lastfm.ts';
import { createMusicBrainz } from '../../src/providers/musicbrainz.ts';
import { createSpotify } from '../../src/providers/spotify.ts';
import { randomId } from '../../src/queue/task-id.ts';
import { inLanes } from './lanes.ts';
import type { Servers } from './servers.ts';
import { trackOf } from './tracks.ts';

const inFlight = 100;
const answerMsMax = 10_000;

/** Asks the simulator for the first tracks at every provider, and puts the answers where workers find them. */
export async function fillCache({ environment }: Servers, tracks: number): Promise<void> {
  const config = readConfig(environment, {});
  const { spotify, musicbrainz, lastfm, cacheTtlMs, callTimeoutMs: timeoutMs } = config;
  const redis = createRedis(required(config.redis, 'REDIS_HOST'), answerMsMax);
  const cache = createRedisCache({ redis, ttlMs: cacheTtlMs });
  const http = createHttp({ timeoutMs, userAgent: 'bench' });
  const clients = [
    createSpotify({ http, ...spotify, ...required(spotify.credentials, 'SPOTIFY_CLIENT_ID') }),
    createMusicBrainz({ http, ...musicbrainz, userAgent: musicbrainz.userAgent ?? '' }),
    createLastfm({ http, ...lastfm, apiKey: lastfm.apiKey ?? '' }),
  ];
  await inLanes(tracks, inFlight, async (n) => {
    const { artist, title } = trackOf(n);
    for (const client of clients) {
      const { provider } = client;
      const lookup = { kind: 'search', artist, title } as const;
      const { outcome } = await client.call(lookup);
      if (!isAnswer(outcome)) throw new Error(`${provider} did not answer: ${JSON.stringify(outcome)}`);
      const calledAt = new Date().toISOString();
      await cache.set(lookupKey(provider, lookup), {
        provider,
        lookup,
        answer: outcome,
        calledAt,
        eventId: randomId(),
      });
    }
  });
  await Promise.all(clients.map((client) => client.close()));
  await cache.close();
}
