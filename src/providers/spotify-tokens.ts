import type { Outcome } from '../domain/answer.ts';
import { fieldsOf, jsonOf, numberOf, serverError, textOf, unavailableBy, wordsOf } from './answer-shape.ts';
import type { Http } from './http.ts';

export type SpotifyToken =
  | { readonly kind: 'token'; readonly value: string }
  | { readonly kind: 'refused'; readonly outcome: Outcome; readonly httpStatus: number | null };

/** Access tokens by client credentials: one at a time, renewed before it runs out. */
export interface SpotifyTokens {
  current(): Promise<SpotifyToken>;
  worked(value: string): void;
  /** The API refused it. One that had worked has run out; one that never did means that our keys are wrong. */
  rejected(value: string, message: string): Outcome;
}

const renewBeforeMs = 60_000;
const lifetimeSDefault = 3600;

export function createSpotifyTokens(options: {
  readonly http: Http;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly now: () => number;
}): SpotifyTokens {
  const { http, tokenUrl, clientId, clientSecret, now } = options;
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  let token: { readonly value: string; readonly untilMs: number; worked: boolean } | null = null;
  let fetching: Promise<SpotifyToken> | null = null;

  async function fetchToken(): Promise<SpotifyToken> {
    const headers = { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await http.post(tokenUrl, headers, 'grant_type=client_credentials');
    if (answer.kind === 'failure')
      return { kind: 'refused', outcome: unavailableBy(answer), httpStatus: null };
    const body = fieldsOf(jsonOf(answer.text));
    const value = textOf(body.access_token) === undefined ? undefined : String(body.access_token);
    if (answer.status === 200 && value !== undefined) {
      const lifetimeS = numberOf(body.expires_in, 1) ?? lifetimeSDefault;
      token = { value, untilMs: now() + lifetimeS * 1000 - renewBeforeMs, worked: false };
      return { kind: 'token', value };
    }
    const httpStatus = answer.status;
    if (httpStatus >= 500 || httpStatus === 429 || httpStatus === 200) {
      return {
        kind: 'refused',
        outcome: serverError(httpStatus, answer.header('retry-after'), now()),
        httpStatus,
      };
    }
    const message = wordsOf(
      body.error_description ?? body.error,
      `The token request was answered with ${httpStatus}.`,
    );
    return { kind: 'refused', outcome: { kind: 'unauthorised', message }, httpStatus };
  }

  return {
    async current() {
      if (token !== null && token.untilMs > now()) return { kind: 'token', value: token.value };
      fetching ??= fetchToken().finally(() => {
        fetching = null;
      });
      return fetching;
    },
    worked(value) {
      if (token?.value === value) token.worked = true;
    },
    rejected(value, message) {
      // Renewed meanwhile by another call: the next one will use the new token.
      const hadWorked = token === null || token.value !== value || token.worked;
      if (token?.value === value) token = null;
      if (!hadWorked) return { kind: 'unauthorised', message };
      return { kind: 'unavailable', reason: 'token-expired', retryAfterMs: null, message };
    },
  };
}
