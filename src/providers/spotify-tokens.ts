import type { Outcome } from '../domain/answer.ts';
import {
  brokenBody,
  fieldsOf,
  jsonOf,
  numberOf,
  retryAfterMsOf,
  serverError,
  textOf,
  unavailableBy,
  wordsOf,
} from './answer-shape.ts';
import type { Http, HttpResponse } from './http.ts';

export interface SpotifyToken {
  readonly kind: 'token';
  readonly value: string;
}

export interface TokenRefusal {
  readonly kind: 'refused';
  readonly outcome: Outcome;
  /** Null where no answer came. */
  readonly httpStatus: number | null;
}

/** Access tokens by client credentials: one at a time, renewed before it runs out. */
export interface SpotifyTokens {
  current(): Promise<SpotifyToken | TokenRefusal>;
  worked(token: SpotifyToken): void;
  /** The API refused it. One that had worked has run out; one that never did means that our keys are wrong. */
  rejected(token: SpotifyToken, message: string): Outcome;
}

const renewBeforeMs = 60_000;
const lifetimeSDefault = 3600;
const rateRetryAfterMs = 5000;
/** No gate stands before the token endpoint, so a refusal is handed out again for this long. */
const refusalMs = 1000;

export function createSpotifyTokens(options: {
  readonly http: Http;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly now: () => number;
}): SpotifyTokens {
  const { http, tokenUrl, clientId, clientSecret, now } = options;
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  const proven = new WeakSet<SpotifyToken>();
  let kept: { readonly token: SpotifyToken; readonly untilMs: number } | null = null;
  let refused: { readonly refusal: TokenRefusal; readonly untilMs: number } | null = null;
  let fetching: Promise<SpotifyToken | TokenRefusal> | null = null;

  async function fetchToken(): Promise<SpotifyToken | TokenRefusal> {
    const headers = { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await http.post(tokenUrl, headers, 'grant_type=client_credentials');
    const body = fieldsOf(answer.kind === 'response' ? jsonOf(answer.text) : undefined);
    const value = tokenIn(body.access_token);
    if (answer.kind === 'response' && answer.status === 200 && value !== undefined) {
      const token: SpotifyToken = { kind: 'token', value };
      const lifetimeMs = (numberOf(body.expires_in, 1) ?? lifetimeSDefault) * 1000;
      // A short life is used up to its half rather than not at all.
      kept = { token, untilMs: now() + Math.max(lifetimeMs - renewBeforeMs, lifetimeMs / 2) };
      return token;
    }
    const refusal: TokenRefusal =
      answer.kind === 'failure'
        ? { kind: 'refused', outcome: unavailableBy(answer), httpStatus: null }
        : {
            kind: 'refused',
            outcome: refusalBy(answer, now(), [clientId, clientSecret, basic]),
            httpStatus: answer.status,
          };
    refused = { refusal, untilMs: now() + refusalMs };
    return refusal;
  }

  return {
    async current() {
      if (kept !== null && kept.untilMs > now()) return kept.token;
      if (refused !== null && refused.untilMs > now()) return refused.refusal;
      fetching ??= fetchToken().finally(() => {
        fetching = null;
      });
      return fetching;
    },
    worked(token) {
      proven.add(token);
    },
    rejected(token, message) {
      // Another call may have renewed it meanwhile: then the next one uses the new token.
      if (kept?.token === token) kept = null;
      if (!proven.has(token)) return { kind: 'unauthorised', message };
      return { kind: 'unavailable', reason: 'token-expired', retryAfterMs: null, message };
    },
  };
}

/** A token as it can stand in a header: visible ASCII. */
function tokenIn(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\x21-\x7e]{1,4096}$/.test(value) ? value : undefined;
}

function refusalBy(answer: HttpResponse, nowMs: number, secrets: readonly string[]): Outcome {
  const { status } = answer;
  const body = fieldsOf(jsonOf(answer.text));
  const said = textOf(body.error_description) === undefined ? body.error : body.error_description;
  const message = wordsOf(said, `Spotify answered ${status} to the request for a token.`, secrets);
  if (status === 400 || status === 401 || status === 403) return { kind: 'unauthorised', message };
  const retryAfter = answer.header('retry-after');
  if (status === 429) {
    const retryAfterMs = retryAfterMsOf(retryAfter, nowMs) ?? rateRetryAfterMs;
    return { kind: 'throttled', scope: 'rate', retryAfterMs, message };
  }
  if (status >= 500) return serverError(status, retryAfter, nowMs);
  return brokenBody("The answer to Spotify's request for a token");
}
