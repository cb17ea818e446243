import type { Provider } from '../../domain/provider.ts';
import { seeded } from './seeded.ts';
import { type Answer, json } from './world.ts';

/** Shares of calls, from 0 to 1, and a window of time in which nothing answers. */
export interface Faults {
  /** Server errors, of each provider's own kinds. */
  readonly errorShare: number;
  /** MusicBrainz shedding load: its other 503. */
  readonly musicbrainzBusyShare: number;
  /** Last.fm's errors 8, 11 and 16 inside HTTP 200. */
  readonly lastfmErrorShare: number;
  /** Refusals with Retry-After. */
  readonly throttleShare: number;
  readonly retryAfterSeconds: number;
  /** Truncated JSON and HTML. */
  readonly brokenBodyShare: number;
  /** Calls that are never answered. */
  readonly hangShare: number;
  readonly outage: {
    readonly fromSeconds: number;
    readonly toSeconds: number;
    readonly provider: Provider | 'all';
  } | null;
}

export const noFaults: Faults = {
  errorShare: 0,
  musicbrainzBusyShare: 0,
  lastfmErrorShare: 0,
  throttleShare: 0,
  retryAfterSeconds: 2,
  brokenBodyShare: 0,
  hangShare: 0,
  outage: null,
};

/** What goes wrong with the n-th call to a provider; null: nothing does. */
export function faultOf(
  faults: Faults,
  seed: number,
  provider: Provider,
  call: number,
  sinceStartSeconds: number,
): Answer | 'hang' | null {
  const { outage } = faults;
  if (outage !== null && (outage.provider === 'all' || outage.provider === provider)) {
    if (sinceStartSeconds >= outage.fromSeconds && sinceStartSeconds < outage.toSeconds) return html(503);
  }
  let chance = seeded(seed, 'fault', provider, call);
  const strikes = (share: number) => {
    chance -= share;
    return chance < 0;
  };
  if (strikes(faults.hangShare)) return 'hang';
  if (strikes(faults.brokenBodyShare)) {
    return call % 2 === 0 ? html(200) : { status: 200, headers: {}, body: '{"tracks":{"items":[{"id":' };
  }
  if (strikes(faults.throttleShare)) return throttled(provider, faults.retryAfterSeconds);
  if (provider === 'musicbrainz' && strikes(faults.musicbrainzBusyShare)) return busy;
  if (provider === 'lastfm' && strikes(faults.lastfmErrorShare)) return operationFailed(200, call);
  if (strikes(faults.errorShare)) return serverError(provider, call);
  return null;
}

/** The refusal of a caller that is too fast. */
export function throttled(provider: Provider, retryAfterS: number): Answer {
  const headers = { 'retry-after': String(retryAfterS) };
  switch (provider) {
    case 'spotify':
      return json(429, { error: { status: 429, message: 'API rate limit exceeded' } }, headers);
    case 'musicbrainz':
      return json(
        503,
        {
          error:
            'Your requests are exceeding the allowable rate limit. Please see http://wiki.musicbrainz.org/XMLWebService for more information.',
        },
        {
          ...headers,
          'x-ratelimit-zone': 'ws ip=127.0.0.1',
          'x-ratelimit-limit': '22',
          'x-ratelimit-remaining': '0',
        },
      );
    case 'lastfm':
      return json(429, {
        error: 29,
        message: 'Rate Limit Exceeded - Your IP has made too many requests in a short period',
      });
    default:
      return provider satisfies never;
  }
}

function serverError(provider: Provider, call: number): Answer {
  switch (provider) {
    case 'spotify': {
      const [status, message] = call % 2 === 0 ? [502, 'Bad gateway.'] : [500, 'Server error.'];
      return json(status, { error: { status, message } });
    }
    case 'musicbrainz':
      return call % 2 === 0 ? busy : html(502);
    case 'lastfm':
      return operationFailed(call % 2 === 0 ? 200 : 500, call);
    default:
      return provider satisfies never;
  }
}

const busy = json(
  503,
  { error: 'The MusicBrainz web server is currently busy. Please try again later.' },
  {
    'retry-after': '0',
    'x-ratelimit-zone': 'global',
    'x-ratelimit-limit': '15',
    'x-ratelimit-remaining': '12',
  },
);

const lastfmErrors = [
  { error: 8, message: 'Operation failed - Something else went wrong' },
  { error: 11, message: 'Service Offline - This service is temporarily offline. Try again later.' },
  { error: 16, message: 'There was a temporary error processing your request. Please try again' },
];

function operationFailed(status: number, call: number): Answer {
  return json(status, lastfmErrors[call % lastfmErrors.length]);
}

function html(status: number): Answer {
  return {
    status,
    headers: { 'content-type': 'text/html' },
    body: '<html><body><h1>Try again later</h1></body></html>',
  };
}
