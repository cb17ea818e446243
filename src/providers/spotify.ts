import type { Candidate, Lookup, Outcome } from '../domain/answer.ts';
import { normaliseIsrc } from '../domain/normalise.ts';
import type { TrackValues } from '../domain/track-values.ts';
import {
  brokenBody,
  cut,
  type Fields,
  fieldsOf,
  foundOrMissing,
  jsonOf,
  known,
  listOf,
  namesOf,
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
import { createSpotifyTokens } from './spotify-tokens.ts';
import { timedCall } from './timed-call.ts';

export interface SpotifyOptions {
  readonly http: Http;
  /** Such as `https://api.spotify.com/v1`. */
  readonly baseUrl: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly now?: () => number;
}

const resultsMax = 5;
const queryCharsMax = 250;
const rateRetryAfterMs = 5000;
const quotaRetryAfterMs = 3_600_000;

/** Spotify's Web API: search by ISRC, or by title and artist. */
export function createSpotify(options: SpotifyOptions): ProviderClient {
  const { http, baseUrl, now = Date.now } = options;
  const tokens = createSpotifyTokens({ ...options, now });
  return {
    provider: 'spotify',
    async prepare() {
      await tokens.current();
    },
    call: (lookup) =>
      timedCall(async () => {
        const token = await tokens.current();
        if (token.kind === 'refused') return { outcome: token.outcome, httpStatus: token.httpStatus };
        const url = `${baseUrl}/search?type=track&limit=${resultsMax}&q=${encodeURIComponent(queryOf(lookup))}`;
        const answer = await http.get(url, { authorization: `Bearer ${token.value}` });
        if (answer.kind === 'failure') return { outcome: unavailableBy(answer), httpStatus: null };
        const httpStatus = answer.status;
        if (httpStatus === 401) {
          const message = wordsOf(errorOf(answer).message, 'Spotify refused the access token.', [
            token.value,
          ]);
          return { outcome: tokens.rejected(token, message), httpStatus };
        }
        if (httpStatus < 500) tokens.worked(token);
        return { outcome: read(answer, now()), httpStatus };
      }),
    close: async () => undefined,
  };
}

function queryOf(lookup: Lookup): string {
  if (lookup.kind === 'isrc') return `isrc:${lookup.isrc}`;
  const plain = (text: string) => cut(text.replaceAll('"', "'"), queryCharsMax);
  return `track:"${plain(lookup.title)}" artist:"${plain(lookup.artist)}"`;
}

function errorOf(answer: HttpResponse): Fields {
  return fieldsOf(fieldsOf(jsonOf(answer.text)).error);
}

function read(answer: HttpResponse, nowMs: number): Outcome {
  const { status, text } = answer;
  if (status === 200) {
    const body = fieldsOf(jsonOf(text));
    const items = fieldsOf(body.tracks).items;
    if (!Array.isArray(items)) return brokenBody("Spotify's answer");
    return foundOrMissing(listOf(items).flatMap(candidateOf), text);
  }
  const error = errorOf(answer);
  const message = wordsOf(error.message, `Spotify answered ${status}.`);
  if (status === 404) return foundOrMissing([], text);
  if (status === 403) return { kind: 'unauthorised', message };
  if (status === 429) {
    const quota = error.reason === 'QUOTA_EXCEEDED';
    const fallbackMs = quota ? quotaRetryAfterMs : rateRetryAfterMs;
    const retryAfterMs = retryAfterMsOf(answer.header('retry-after'), nowMs) ?? fallbackMs;
    return { kind: 'throttled', scope: quota ? 'quota' : 'rate', retryAfterMs, message };
  }
  if (status >= 500) return serverError(status, answer.header('retry-after'), nowMs);
  if (status >= 400) return { kind: 'misused', message };
  return brokenBody(`Spotify's answer ${status}`);
}

function candidateOf(item: Fields): Candidate[] {
  const id = textOf(item.id);
  const title = textOf(item.name);
  if (id === undefined || title === undefined) return [];
  const album = fieldsOf(item.album);
  const isrc = normaliseIsrc(textOf(fieldsOf(item.external_ids).isrc) ?? '') ?? undefined;
  const durationMs = numberOf(item.duration_ms, 1);
  const images = listOf(album.images ?? []).toSorted(
    (a, b) => (numberOf(b.width, 0) ?? 0) - (numberOf(a.width, 0) ?? 0),
  );
  return [
    {
      id,
      title,
      artists: namesOf(listOf(item.artists).map(({ name }) => textOf(name))),
      durationMs: durationMs ?? null,
      isrcs: isrc === undefined ? [] : [isrc],
      values: known<TrackValues>({
        ...noValues,
        spotifyId: id,
        isrc,
        durationMs,
        album: textOf(album.name),
        releaseDate: dateOf(album.release_date),
        artworkLargeUrl: urlOf(images[0]?.url),
        artworkMediumUrl: urlOf(images[1]?.url),
        artworkSmallUrl: urlOf(images[2]?.url),
        spotifyPopularity: numberOf(item.popularity, 0),
      }),
    },
  ];
}

export const noValues = {} as { [Key in keyof TrackValues]: undefined };

export function dateOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && /^\d{4}(-\d{2}(-\d{2})?)?$/.test(text) ? text : undefined;
}
