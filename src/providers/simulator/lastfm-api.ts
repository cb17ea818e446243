import type { FullTrack } from './catalogue.ts';
import { withDecoys } from './decoys.ts';
import { seeded } from './seeded.ts';
import { type Answer, json, type World } from './world.ts';

const notFound = { error: 6, message: 'Track not found', links: [] };

/** Last.fm's side: track.getInfo and track.search. Its errors come with HTTP 200 or not; the number in the body is what counts. */
export function answerLastfm(world: World, query: URLSearchParams): Answer {
  const { catalogue, seed } = world;
  if ((query.get('api_key') ?? '') === '') {
    return json(403, { message: 'Invalid API key - You must be granted a valid key by last.fm', error: 10 });
  }
  const method = query.get('method')?.toLowerCase();
  if (method === 'track.search') return search(world, query.get('track') ?? '', query.get('artist') ?? '');
  if (method !== 'track.getinfo') {
    return json(400, {
      error: 3,
      message: 'Invalid Method - No method with that name in this package',
      links: [],
    });
  }
  const mbid = query.get('mbid') ?? '';
  if (mbid !== '') {
    const found = world.byIdentifier(mbid);
    const known = found !== null && (found.decoy || catalogue.knows('lastfm', found.track));
    return json(200, known ? { track: info(world, found.track) } : notFound);
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

export function lastfmPage(artist: string, title: string): string {
  return `${artistPage(artist)}/_/${pagePart(title)}`;
}

function artistPage(artist: string): string {
  return `https://www.last.fm/music/${pagePart(artist)}`;
}

function pagePart(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll('%20', '+');
}

function search({ catalogue, seed, decoyShare }: World, title: string, artist: string): Answer {
  const track = artist === '' ? catalogue.byText(title) : catalogue.bySearch(artist, title);
  const all = track === null ? [] : withDecoys(track, seed, decoyShare);
  const hits = all
    .filter((one) => one !== track || catalogue.knows('lastfm', one))
    .map(({ artist, title, mbid }) => ({
      name: title,
      artist,
      url: lastfmPage(artist, title),
      streamable: 'FIXME',
      listeners: String(20 + Math.floor(seeded(seed, 'lastfm', 'listeners', artist, title) * 900_000)),
      image: [{ '#text': '', size: 'small' }],
      mbid: seeded(seed, 'lastfm', 'mbid', artist, title) < 0.4 ? '' : mbid,
    }));
  return json(200, {
    results: {
      'opensearch:Query': { '#text': '', role: 'request', searchTerms: title, startPage: '1' },
      'opensearch:totalResults': String(hits.length),
      'opensearch:startIndex': '0',
      'opensearch:itemsPerPage': '30',
      // A list of one collapses to its element.
      trackmatches: { track: hits.length === 1 ? hits[0] : hits },
      '@attr': { for: title },
    },
  });
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
    url: lastfmPage(artist, title),
    duration: chance('duration') < 0.2 ? '0' : String(Math.round(durationMs / 1000) * 1000),
    streamable: chance('streamable') < 0.5 ? { '#text': '0', fulltrack: '0' } : 'FIXME',
    listeners: String(listeners),
    playcount: String(listeners * 7),
    artist: { name: artist, url: artistPage(artist) },
    ...(chance('album') < 0.2
      ? {}
      : { album: { artist, title: album, url: `${artistPage(artist)}/${pagePart(album)}`, image } }),
    // A list of one collapses to its element, an empty one to a text.
    toptags: chance('tags') < 0.2 ? '' : { tag: chance('tags') < 0.5 ? tags[0] : tags },
  };
}

/** Last.fm makes an entry of every name that anybody ever played. */
function shadowEntry(artist: string, title: string) {
  const url = lastfmPage(artist, title);
  const nothing = {
    duration: '0',
    streamable: { '#text': '0', fulltrack: '0' },
    listeners: '2',
    playcount: '4',
  };
  return {
    name: title,
    url,
    ...nothing,
    artist: { name: artist, url: artistPage(artist) },
    toptags: { tag: [] },
  };
}
