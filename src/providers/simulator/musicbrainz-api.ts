import { type FullTrack, uuidOf } from './catalogue.ts';
import { onlyDecoys, withDecoys } from './decoys.ts';
import { seeded } from './seeded.ts';
import { artistsOf } from './spotify-api.ts';
import { type Answer, json, type World } from './world.ts';

const help = 'For usage, please see: https://musicbrainz.org/development/mmd';
const notFound = { help, error: 'Not Found' };

/** MusicBrainz' side: recordings by search, by ISRC and by MBID. */
export function answerMusicBrainz(
  world: World,
  path: string,
  query: URLSearchParams,
  userAgent: string | null,
): Answer {
  if (userAgent === null || userAgent.trim() === '') {
    return json(
      403,
      {
        error:
          'Your requests are being throttled by MusicBrainz because the application you are using has not identified itself. Please update your application, and see http://musicbrainz.org/doc/XML_Web_Service/Rate_Limiting for more information.',
      },
      { 'x-ratelimit-who': 'ua-missing' },
    );
  }
  const { catalogue, seed, decoyShare } = world;
  const mbid = /^\/ws\/2\/recording\/(.+)$/.exec(path)?.[1]?.toLowerCase();
  if (mbid !== undefined) {
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(mbid)) {
      return json(400, { error: 'Invalid mbid.', help });
    }
    const found = world.byIdentifier(mbid);
    if (found === null || !(found.decoy || catalogue.knows('musicbrainz', found.track)))
      return json(404, notFound);
    return json(200, { ...recording(world, found.track, null), disambiguation: '' });
  }
  const isrc = /^\/ws\/2\/isrc\/(.+)$/.exec(path)?.[1];
  if (isrc !== undefined) {
    if (!/^[A-Z]{2}[A-Z0-9]{3}\d{7}$/.test(isrc)) return json(400, { help, error: 'Invalid isrc.' });
    const track = catalogue.byIsrc(isrc);
    if (track === null || !catalogue.knows('musicbrainz', track)) return json(404, notFound);
    return json(200, { isrc, recordings: [recording(world, track, null)] });
  }
  if (path !== '/ws/2/recording') return json(404, notFound);
  const asked = searched(query.get('query') ?? '');
  if (asked === null) {
    return json(400, {
      help,
      error: 'The given parameters do not match any available query type for the recording resource.',
    });
  }
  const track =
    'isrc' in asked ? catalogue.byIsrc(asked.isrc) : catalogue.bySearch(asked.artist, asked.title);
  const found =
    track === null
      ? []
      : (catalogue.knows('musicbrainz', track) ? withDecoys : onlyDecoys)(track, seed, decoyShare);
  const limit = Number(query.get('limit') ?? 25);
  const recordings = found
    .slice(0, limit >= 1 && limit <= 100 ? limit : 25)
    .map((one) => recording(world, one, 100));
  return json(200, { created: '2026-01-01T00:00:00.000Z', count: found.length, offset: 0, recordings });
}

/** What a Lucene query asks for, unescaped; null where it is none of the forms that are understood here. */
function searched(query: string): { isrc: string } | { artist: string; title: string } | null {
  const fields = new Map<string, string>();
  for (const [, name = '', quoted, bare = ''] of query.matchAll(fieldPattern)) {
    fields.set(name, (quoted ?? bare).replace(/\\(.)/gs, '$1'));
  }
  const isrc = fields.get('isrc');
  if (isrc !== undefined) return { isrc };
  const title = fields.get('recording');
  const artist = fields.get('artist');
  return title === undefined || artist === undefined ? null : { artist, title };
}

const fieldPattern = /(?:^|\sAND\s)(recording|artist|isrc):(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))/gs;

function recording({ seed }: World, track: FullTrack, score: number | null) {
  const { mbid, artist, title, album, year, durationMs, isrc } = track;
  const names = artistsOf(artist);
  const day = seeded(seed, 'mb-date', mbid);
  const date = day < 0.2 ? `${year}` : day < 0.4 ? `${year}-05` : `${year}-05-17`;
  return {
    id: mbid,
    ...(score === null ? {} : { score }),
    title,
    length: seeded(seed, 'mb-length', mbid) < 0.05 ? null : durationMs,
    video: null,
    'artist-credit': names.map((name, index) => ({
      name,
      joinphrase: index < names.length - 1 ? ' & ' : '',
      artist: { id: uuidOf(seed, 'artist', name), name, 'sort-name': name },
    })),
    'first-release-date': date,
    releases: [
      {
        id: uuidOf(seed, 'release', album),
        title: album,
        status: 'Official',
        date,
        country: 'XW',
        'release-group': { id: uuidOf(seed, 'group', album), 'primary-type': 'Album', title: album },
      },
    ],
    // Of the recordings with equal score only some carry these.
    ...(seeded(seed, 'mb-isrcs', mbid) < 0.5 || score === null ? { isrcs: [isrc] } : {}),
    ...(seeded(seed, 'mb-tags', mbid) < 0.5
      ? {
          tags: [
            { count: 3, name: 'electronic' },
            { count: 1, name: 'house' },
          ],
        }
      : {}),
  };
}
