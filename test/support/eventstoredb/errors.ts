import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { appendSizeMax } from './database.ts';

/** Errors as the server ends a call with them: a code, a text, and trailers that the client reads. */

export function failure(
  code: status,
  details: string,
  trailers: Readonly<Record<string, string>> = {},
): ServiceError {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

export function streamDeleted(stream: string): ServiceError {
  return failure(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  });
}

export function wrongVersion(stream: string, expected: string, actual: string): ServiceError {
  return failure(
    status.FAILED_PRECONDITION,
    `Wrong expected version: ${expected}, actual version: ${actual}.`,
    {
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': expected,
      'actual-version': actual,
    },
  );
}

export function tooLarge(): ServiceError {
  return failure(status.INVALID_ARGUMENT, `Maximum append size of ${appendSizeMax} bytes exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(appendSizeMax),
  });
}

/** As a server with users answers a user without rights, and one whose password is wrong. */
export const denied = {
  rights: () => failure(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' }),
  password: () => failure(status.UNAUTHENTICATED, 'Unauthenticated'),
} as const;

export function refused(why: string): ServiceError {
  return failure(status.UNKNOWN, why);
}

export function notLeader(host: string, port: number): ServiceError {
  return failure(status.NOT_FOUND, 'Leader info available.', {
    exception: 'not-leader',
    'leader-endpoint-host': host,
    'leader-endpoint-port': String(port),
  });
}

export function tooSlow(): ServiceError {
  return failure(
    status.ABORTED,
    'Operation timed out: Consumer too slow to handle event while live. Client resubscription required..',
  );
}

/** How a real server was seen to end calls. */
export const ends = {
  killed: () => failure(status.UNAVAILABLE, 'Connection dropped'),
  stopped: () => failure(status.INTERNAL, 'Received RST_STREAM with code 0'),
  cancelled: () => failure(status.CANCELLED, 'Call cancelled'),
  tooSlow,
  /** The call ends as if everything had been said. */
  silent: () => null,
} as const;

export type End = keyof typeof ends;
