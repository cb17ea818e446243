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
  wordsOf,
} from './answer-shape.ts';
import type { Http, HttpResponse } from './http.ts';
import type { ProviderClient } from './provider-client.ts';
import { dateOf, noValues } from './spotify.ts';
import { timedCall } from './timed-call.ts';

export interface MusicBrainzOptions {
  readonly http: Http;
  /** Such as `https://musicbrainz.org/ws/2`. */
  readonly baseUrl: string;
  /** `application/version ( contact )`, without which it answers nothing. */
  readonly userAgent: string;
  readonly now?: () => number;
}

const resultsMax = 5;
const queryCharsMax = 250;
const quotaRetryAfterMsMin = 1000;

/** MusicBrainz WS/2: recordings by ISRC, or by title and artist. */
export function createMusicBrainz({
  http,
  baseUrl,
  userAgent,
  now = Date.now,
}: MusicBrainzOptions): ProviderClient {
  return {
    provider: 'musicbrainz',
    prepare: async () => undefined,
    call: (lookup) =>
      timedCall(async () => {
        const answer = await http.get(`${baseUrl}${pathOf(lookup)}`, { 'user-agent': userAgent });
        if (answer.kind === 'failure') return { outcome: unavailableBy(answer), httpStatus: null };
        return { outcome: read(answer, lookup, now()), httpStatus: answer.status };
      }),
    close: async () => undefined,
  };
}

function pathOf(lookup: Lookup): string {
  if (lookup.kind === 'isrc')
    return `/isrc/${encodeURIComponent(lookup.isrc)}?inc=artist-credits+isrcs&fmt=json`;
  const query = `recording:"${escaped(lookup.title)}" AND artist:"${escaped(lookup.artist)}"`;
  return `/recording?query=${encodeURIComponent(query)}&limit=${resultsMax}&fmt=json`;
}

/** Lucene's special characters, escaped. */
function escaped(text: string): string {
  return cut(text, queryCharsMax).replace(/[+\-&|!(){}[\]^"~*?:\\/]/g, '\\$&');
}

function read(answer: HttpResponse, lookup: Lookup, nowMs: number): Outcome {
  const { status, text } = answer;
  const body = fieldsOf(jsonOf(text));
  const message = wordsOf(body.error, `MusicBrainz answered ${status}.`);
  if (status === 200) {
    if (!Array.isArray(body.recordings)) return brokenBody("MusicBrainz' answer");
    return foundOrMissing(
      listOf(body.recordings).flatMap((one) => candidateOf(one, lookup)),
      text,
    );
  }
  if (status === 404) return foundOrMissing([], text);
  if (status === 403 || status === 401) return { kind: 'unauthorised', message };
  const retryAfterMs = retryAfterMsOf(answer.header('retry-after'), nowMs);
  if (status === 429 || (status === 503 && isOwnQuota(answer, message))) {
    return {
      kind: 'throttled',
      scope: 'rate',
      retryAfterMs: Math.max(retryAfterMs ?? 0, quotaRetryAfterMsMin),
      message,
    };
  }
  if (status === 503) return { kind: 'unavailable', reason: 'overloaded', retryAfterMs: null, message };
  if (status >= 500) return serverError(status, answer.header('retry-after'), nowMs);
  if (status >= 400) return { kind: 'misused', message };
  return brokenBody(`MusicBrainz' answer ${status}`);
}

/** Its 503 for our own rate is told from the one for its load by the zone, or by its words. */
function isOwnQuota(answer: HttpResponse, message: string): boolean {
  const zone = answer.header('x-ratelimit-zone') ?? '';
  return zone.startsWith('ws ip') || /exceeding the allowable rate limit/i.test(message);
}

function candidateOf(recording: Fields, lookup: Lookup): Candidate[] {
  const id = textOf(recording.id);
  const title = textOf(recording.title);
  if (id === undefined || title === undefined) return [];
  const listed: readonly unknown[] = [recording.isrcs].flat();
  const isrcs = listed.flatMap((one) => normaliseIsrc(typeof one === 'string' ? one : '') ?? []);
  // An answer to a question by ISRC is about that ISRC, also where it does not repeat it.
  if (lookup.kind === 'isrc' && !isrcs.includes(lookup.isrc)) isrcs.push(lookup.isrc);
  const durationMs = numberOf(recording.length, 1);
  return [
    {
      id,
      title,
      artists: namesOf(
        listOf(recording['artist-credit']).map(
          ({ name, artist }) => textOf(name) ?? textOf(fieldsOf(artist).name),
        ),
      ),
      durationMs: durationMs ?? null,
      isrcs: isrcs.slice(0, 5),
      values: known<TrackValues>({
        ...noValues,
        musicbrainzId: id,
        durationMs,
        isrc: lookup.kind === 'isrc' ? lookup.isrc : isrcs.length === 1 ? isrcs[0] : undefined,
        releaseDate: dateOf(recording['first-release-date']),
        genre: genreOf(recording),
        album: albumOf(recording),
      }),
    },
  ];
}

/** The genre with the most votes; tags stand in where there are no genres. */
function genreOf(recording: Fields): string | undefined {
  for (const list of [recording.genres, recording.tags]) {
    const named = listOf(list ?? []).filter(({ name }) => textOf(name) !== undefined);
    const best = named.toSorted((a, b) => (numberOf(b.count, 0) ?? 0) - (numberOf(a.count, 0) ?? 0))[0];
    if (best !== undefined) return textOf(best.name);
  }
  return undefined;
}

function albumOf(recording: Fields): string | undefined {
  const releases = listOf(recording.releases ?? []);
  const official = releases.find(
    (one) => one.status === 'Official' && fieldsOf(one['release-group'])['primary-type'] === 'Album',
  );
  return textOf((official ?? releases[0])?.title);
}
