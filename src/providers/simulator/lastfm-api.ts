import type { FullTrack } from './catalogue.ts';
import { seeded } from './seeded.ts';
import { type Answer, json, type World } from './world.ts';

const notFound = { error: 6, message: 'Track not found', links: [] };

/** Last.fm's side: track.getInfo. Its errors come with HTTP 200 or not; the number in the body is what counts. */
export function answerLastfm(world: World, query: URLSearchParams): Answer {
  const { catalogue, seed } = world;
  if ((query.get('api_key') ?? '') === '') {
    return json(403, { message: 'Invalid API key - You must be granted a valid key by last.fm', error: 10 });
  }
  if (query.get('method') !== 'track.getInfo') {
    return json(400, {
      error: 3,
      message: 'Invalid Method - No method with that name in this package',
      links: [],
    });
  }
  const artist = query.get('artist') ?? '';
  const title = query.get('track') ?? '';
  if (artist === '' || title === '')
    return json(400, {
      error: 6,
      message: 'Invalid parameters - Your request is missing a required parameter',
      links: [],
    });
  const track = catalogue.bySearch(artist, title);
  if (track !== null && catalogue.knows('lastfm', track)) return json(200, { track: info(world, track) });
  const shadow = seeded(seed, 'shadow', artist, title) < 0.5;
  return json(200, shadow ? { track: shadowEntry(artist, title) } : notFound);
}

function page(artist: string, title: string): string {
  const part = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');
  return `https://www.last.fm/music/${part(artist)}/_/${part(title)}`;
}

function info({ seed }: World, { artist, title, album, mbid, durationMs }: FullTrack) {
  const chance = (what: string) => seeded(seed, 'lastfm', what, artist, title);
  const listeners = 20 + Math.floor(chance('listeners') * 900_000);
  const tags = ['electronic', 'house', 'dance'].map((name) => ({
    name,
    url: `https://www.last.fm/tag/${name}`,
  }));
  const image = ['small', 'medium', 'large', 'extralarge'].map((size) => ({
    '#text':
      chance('image') < 0.3
        ? ''
        : `https://lastfm.freetls.fastly.net/i/u/${size}/${mbid.replaceAll('-', '')}.png`,
    size,
  }));
  return {
    name: title,
    ...(chance('mbid') < 0.4 ? {} : { mbid }),
    url: page(artist, title),
    duration: chance('duration') < 0.2 ? '0' : String(Math.round(durationMs / 1000) * 1000),
    streamable: chance('streamable') < 0.5 ? { '#text': '0', fulltrack: '0' } : 'FIXME',
    listeners: String(listeners),
    playcount: String(listeners * 7),
    artist: { name: artist, url: page(artist, '').slice(0, -3) },
    ...(chance('album') < 0.2 ? {} : { album: { artist, title: album, url: page(artist, album), image } }),
    // A list of one collapses to its element, an empty one to a text.
    toptags: chance('tags') < 0.2 ? '' : { tag: chance('tags') < 0.5 ? tags[0] : tags },
  };
}

/** Last.fm makes an entry of every name that anybody ever played. */
function shadowEntry(artist: string, title: string) {
  const url = page(artist, title);
  const nothing = {
    duration: '0',
    streamable: { '#text': '0', fulltrack: '0' },
    listeners: '2',
    playcount: '4',
  };
  return { name: title, url, ...nothing, artist: { name: artist, url }, toptags: { tag: [] } };
}
