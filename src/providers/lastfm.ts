import type { Candidate, Outcome } from '../domain/answer.ts';
import type { TrackValues } from '../domain/track-values.ts';
import {
  brokenBody,
  cut,
  type Fields,
  fieldsOf,
  foundOrMissing,
  hashOf,
  jsonOf,
  known,
  listOf,
  numberOf,
  retryAfterMsOf,
  serverError,
  textOf,
  unavailableBy,
  urlOf,
  wordsOf,
} from './answer-shape.ts';
import type { Http, HttpResponse } from './http.ts';
import type { ProviderClient } from './provider-client.ts';
import { noValues } from './spotify.ts';
import { timedCall } from './timed-call.ts';

export interface LastfmOptions {
  readonly http: Http;
  /** Such as `https://ws.audioscrobbler.com/2.0/`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly now?: () => number;
}

const rateRetryAfterMs = 5000;
const queryCharsMax = 250;
/** Last.fm makes an entry of every name that a player ever sent it; a few listeners do not make it a track. */
const shadowListenersBelow = 10;
const placeholderImage = '2a96cbd8b46e442fc41c2b86b821562f';

/** Last.fm 2.0: track.getInfo by artist and title. It knows no ISRCs. */
export function createLastfm({ http, baseUrl, apiKey, now = Date.now }: LastfmOptions): ProviderClient {
  return {
    provider: 'lastfm',
    prepare: async () => undefined,
    call: (lookup) =>
      timedCall(async () => {
        if (lookup.kind === 'isrc') {
          return { outcome: { kind: 'misused', message: 'Last.fm knows no ISRCs.' }, httpStatus: null };
        }
        const query = new URLSearchParams({
          method: 'track.getInfo',
          artist: cut(lookup.artist, queryCharsMax),
          track: cut(lookup.title, queryCharsMax),
          autocorrect: '1',
          api_key: apiKey,
          format: 'json',
        });
        const answer = await http.get(`${baseUrl}?${query}`);
        if (answer.kind === 'failure') return { outcome: unavailableBy(answer), httpStatus: null };
        return { outcome: read(answer, now(), apiKey), httpStatus: answer.status };
      }),
    close: async () => undefined,
  };
}

function read(answer: HttpResponse, nowMs: number, apiKey: string): Outcome {
  const { status, text } = answer;
  const body = fieldsOf(jsonOf(text));
  const code = numberOf(body.error, 0);
  if (code !== undefined) {
    const message = wordsOf(body.message, `Last.fm answered with error ${code}.`, [apiKey]);
    return errorOutcome(code, message, answer, nowMs);
  }
  if (status >= 500) return serverError(status, answer.header('retry-after'), nowMs);
  if (status === 429) {
    const retryAfterMs = retryAfterMsOf(answer.header('retry-after'), nowMs) ?? rateRetryAfterMs;
    return { kind: 'throttled', scope: 'rate', retryAfterMs, message: 'Last.fm answered 429.' };
  }
  const track = fieldsOf(body.track);
  const candidate = candidateOf(track);
  if (candidate === null) return brokenBody("Last.fm's answer");
  if (isShadow(track)) return { kind: 'missing', reason: 'shadow-entry', bodyHash: hashOf(text) };
  return foundOrMissing([candidate], text);
}

/** Classified by the number in the body, never by the HTTP status: errors come with 200 as well. */
function errorOutcome(code: number, message: string, answer: HttpResponse, nowMs: number): Outcome {
  const retryAfterMs = retryAfterMsOf(answer.header('retry-after'), nowMs);
  switch (code) {
    case 6:
      if (!/not (be )?found/i.test(message)) return { kind: 'misused', message };
      return { kind: 'missing', reason: 'no-result', bodyHash: hashOf(answer.text) };
    case 7:
      return { kind: 'missing', reason: 'no-result', bodyHash: hashOf(answer.text) };
    case 4:
    case 9:
    case 10:
    case 13:
    case 17:
    case 26:
      return { kind: 'unauthorised', message };
    case 29:
      return { kind: 'throttled', scope: 'rate', retryAfterMs: retryAfterMs ?? rateRetryAfterMs, message };
    case 3:
    case 5:
      return { kind: 'misused', message };
    default:
      return { kind: 'unavailable', reason: 'server-error', retryAfterMs, message };
  }
}

function isShadow(track: Fields): boolean {
  const listeners = numberOf(track.listeners, 0) ?? 0;
  const unknownLength = numberOf(track.duration, 1) === undefined;
  return textOf(track.mbid) === undefined && unknownLength && listeners < shadowListenersBelow;
}

function candidateOf(track: Fields): Candidate | null {
  const title = textOf(track.name);
  const artist = textOf(fieldsOf(track.artist).name) ?? textOf(track.artist);
  if (title === undefined || artist === undefined) return null;
  const album = fieldsOf(track.album);
  const durationMs = numberOf(track.duration, 1);
  const image = (size: string) => {
    const url = urlOf(listOf(album.image ?? []).find((one) => one.size === size)?.['#text']);
    return url?.includes(placeholderImage) === true ? undefined : url;
  };
  return {
    id: textOf(track.mbid) ?? '',
    title,
    artists: [artist],
    durationMs: durationMs ?? null,
    isrcs: [],
    values: known<TrackValues>({
      ...noValues,
      lastfmUrl: urlOf(track.url),
      durationMs,
      album: textOf(album.title),
      genre: textOf(listOf(fieldsOf(track.toptags).tag ?? [])[0]?.name),
      artworkSmallUrl: image('small'),
      artworkMediumUrl: image('large'),
      artworkLargeUrl: image('extralarge'),
      lastfmPlaycount: numberOf(track.playcount, 0, Number.MAX_SAFE_INTEGER),
      lastfmListeners: numberOf(track.listeners, 0, Number.MAX_SAFE_INTEGER),
    }),
  };
}
