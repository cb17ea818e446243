import type { FullTrack } from './catalogue.ts';
import { onlyDecoys, withDecoys } from './decoys.ts';
import { seeded } from './seeded.ts';
import { type Answer, json, type World } from './world.ts';

/** Spotify's side: `/v1/search`, `/v1/tracks/{id}` and the token endpoint. */
export function answerSpotify(
  world: World,
  path: string,
  query: URLSearchParams,
  authorization: string | null,
): Answer {
  if (path === '/api/token') {
    if (!hasClientKeys(authorization)) {
      return json(400, { error: 'invalid_client', error_description: 'Invalid client' });
    }
    return json(200, { access_token: 'simulated-token', token_type: 'Bearer', expires_in: 3600 });
  }
  if (authorization !== 'Bearer simulated-token') {
    return json(401, {
      error: { status: 401, message: authorization === null ? 'No token provided' : 'Invalid access token' },
    });
  }
  const id = /^\/v1\/tracks\/([^/]+)$/.exec(path)?.[1];
  if (id !== undefined) {
    const found = world.byIdentifier(id);
    if (found !== null && (found.decoy || world.catalogue.knows('spotify', found.track))) {
      return json(200, item(world, found.track));
    }
  }
  if (path !== '/v1/search') return json(404, { error: { status: 404, message: 'Resource not found' } });
  if ((query.get('q') ?? '') === '') return json(400, { error: { status: 400, message: 'No search query' } });
  const limit = Number(query.get('limit') ?? 5);
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 10))
    return json(400, { error: { status: 400, message: 'Invalid limit' } });
  const items = find(world, query.get('q') ?? '')
    .slice(0, limit)
    .map((track) => item(world, track));
  const href = `https://api.spotify.com/v1/search?offset=0&limit=${limit}&type=track`;
  return json(200, {
    tracks: { href, limit, next: null, offset: 0, previous: null, total: items.length, items },
  });
}

function find({ catalogue, seed, decoyShare }: World, q: string): readonly FullTrack[] {
  const isrc = /isrc:"?([A-Za-z0-9-]+)/.exec(q)?.[1]?.toUpperCase();
  if (isrc !== undefined) {
    const track = catalogue.byIsrc(isrc);
    return track !== null && catalogue.knows('spotify', track) ? [track] : [];
  }
  // A title may also stand bare before the artist, or all of it be plain words.
  const artist = /(?:^|\s)artist:"([^"]*)"/.exec(q)?.[1];
  const title = /(?:^|\s)track:"([^"]*)"/.exec(q)?.[1] ?? q.replace(/(?:^|\s)artist:"[^"]*"/, '');
  const track = artist === undefined ? catalogue.byText(title) : catalogue.bySearch(artist, title);
  if (track === null) return [];
  return (catalogue.knows('spotify', track) ? withDecoys : onlyDecoys)(track, seed, decoyShare);
}

function item({ seed }: World, track: FullTrack) {
  const { spotifyId: id, artist, title, album, year, durationMs, isrc } = track;
  const image = (width: number) => ({ height: width, width, url: `https://i.scdn.co/image/${id}${width}` });
  const artists = artistsOf(artist).map((name) => ({ id: `a${id.slice(1)}`, name, type: 'artist' }));
  return {
    album: {
      album_type: 'album',
      artists,
      id: `b${id.slice(1)}`,
      images: [image(640), image(300), image(64)],
      name: album,
      release_date: seeded(seed, 'precision', id) < 0.2 ? String(year) : `${year}-05-17`,
      release_date_precision: seeded(seed, 'precision', id) < 0.2 ? 'year' : 'day',
      type: 'album',
    },
    artists,
    disc_number: 1,
    duration_ms: durationMs,
    explicit: false,
    // Some applications are not given these fields.
    ...(seeded(seed, 'ids', id) < 0.05 ? {} : { external_ids: { isrc } }),
    ...(seeded(seed, 'popularity', id) < 0.3
      ? {}
      : { popularity: Math.floor(seeded(seed, 'popular', id) * 100) }),
    id,
    is_local: false,
    name: title,
    track_number: 1,
    type: 'track',
    uri: `spotify:track:${id}`,
  };
}

/** Any keys will do, as long as both are there. */
function hasClientKeys(authorization: string | null): boolean {
  const basic = /^Basic (.+)$/.exec(authorization ?? '')?.[1];
  return basic !== undefined && /^[^:]+:.+$/.test(Buffer.from(basic, 'base64').toString());
}

export function artistsOf(artist: string): readonly string[] {
  return artist.split(/\s*(?:,|&| feat\.? | featuring | x )\s*/i).filter((name) => name !== '');
}
