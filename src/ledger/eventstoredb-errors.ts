import { ErrorType, WrongExpectedVersionError } from '@eventstore/db-client';
import { type AppendResult, LedgerRefusal, LedgerUnavailable } from './ledger.ts';

/** What an error of the client says about the call that it ended. */
export type Verdict =
  /** Whether anything was written is not known: the same again, with the same ids, settles it. */
  | { readonly kind: 'unknown'; readonly cause: unknown }
  | { readonly kind: 'conflict'; readonly result: AppendResult }
  /** The call can never succeed as it is. */
  | { readonly kind: 'final'; readonly error: LedgerRefusal | LedgerUnavailable };

interface ClientError {
  readonly type: string | null;
  readonly code: number | null;
  readonly message: string;
}

/** Sorted by the client's type where it gives one, else by gRPC code; what is neither is unknown. */
export function verdictOf(stream: string, cause: unknown): Verdict {
  if (cause instanceof WrongExpectedVersionError) {
    const { actualVersion } = cause;
    const actual = typeof actualVersion === 'bigint' ? Number(actualVersion) : -1;
    return { kind: 'conflict', result: { kind: 'conflict', actual } };
  }
  const refusal = (why: string): Verdict => ({
    kind: 'final',
    error: new LedgerRefusal(`${stream}: ${why}.`, { cause }),
  });
  switch (read(cause).type) {
    case ErrorType.STREAM_DELETED:
      return refusal('the stream was deleted for ever (tombstoned): its name cannot be used again');
    case ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED:
      return refusal('the append is over the size limit of the server: split it');
    case ErrorType.INVALID_ARGUMENT:
      return refusal(`EventStoreDB refuses the append (${read(cause).message})`);
    case ErrorType.ACCESS_DENIED:
      return { kind: 'final', error: new LedgerUnavailable(connectionFault(cause) ?? '', { cause }) };
    default:
      return { kind: 'unknown', cause };
  }
}

/** True for a stream that does not exist, or no longer does. */
export function isMissing(error: unknown): boolean {
  const { type } = read(error);
  return type === ErrorType.STREAM_NOT_FOUND || type === ErrorType.STREAM_DELETED;
}

const unauthenticated = 16;

/** One sentence on what to change, where an error tells it; null for any other. The address is not repeated. */
export function connectionFault(cause: unknown): string | null {
  const { type, code, message } = read(cause);
  if (type === ErrorType.ACCESS_DENIED || code === unauthenticated) {
    return 'EventStoreDB refuses the user and password in LEDGER_URL: correct them (esdb://USER:PASSWORD@HOST:PORT).';
  }
  if (/SSL routines|wrong version number|packet length too long/i.test(message)) {
    return 'EventStoreDB does not speak TLS there: add "?tls=false" to LEDGER_URL, or give the server a certificate.';
  }
  if (/certificate|self.signed|unable to verify/i.test(message)) {
    return 'The certificate of EventStoreDB is not trusted: name its CA in LEDGER_URL with "tlsCAFile=PATH".';
  }
  if (/Name resolution failed|ENOTFOUND|EAI_AGAIN/i.test(message)) {
    return 'The host in LEDGER_URL is not known: correct its name, or check the network.';
  }
  if (/ECONNREFUSED/.test(message)) {
    return 'Nothing listens at the address in LEDGER_URL: start EventStoreDB, or correct host and port.';
  }
  if (/Failed to discover/.test(message)) {
    return 'No node of the EventStoreDB cluster in LEDGER_URL answers: check its hosts and ports.';
  }
  return null;
}

/** What an append came to that never got a clear answer, and what may be behind it. */
export function unclearOutcome(stream: string, cause: unknown): string {
  const fault = connectionFault(cause);
  if (fault !== null) return fault;
  const said = `${stream}: the append has no clear outcome (${messageOf(cause)})`;
  // The client sends the deadline as a time of day, which the server holds against its own clock.
  return read(cause).type === ErrorType.DEADLINE_EXCEEDED
    ? `${said}: look at the load of EventStoreDB, and whether the clock of this machine is right.`
    : `${said}.`;
}

export function messageOf(error: unknown): string {
  return read(error).message.split('\n')[0] ?? '';
}

function read(error: unknown): ClientError {
  if (typeof error !== 'object' || error === null) return { type: null, code: null, message: String(error) };
  const { type, code, message } = error as { type?: unknown; code?: unknown; message?: unknown };
  return {
    type: typeof type === 'string' ? type : null,
    code: typeof code === 'number' ? code : null,
    message: typeof message === 'string' ? message : String(error),
  };
}
