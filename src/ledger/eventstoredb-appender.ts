import { setTimeout as sleep } from 'node:timers/promises';
import { type EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client';
import type { EncodedEvent } from './codec.ts';
import { type Connection, connect } from './eventstoredb-connection.ts';
import { unclearOutcome, verdictOf } from './eventstoredb-errors.ts';
import { type AppendResult, type ExpectedRevision, LedgerUnavailable } from './ledger.ts';
import { decodeBase64Natively } from './protobuf-bytes.ts';

/** The client only tells the server its deadline: a silent one would be waited for until the end of days. */
export const answerMsDefault = 12_000;
const inFlightMax = 256;
/** How often an append is repeated whose outcome is unknown: about a minute in all where the server is away. */
const repetitionsMax = 10;
const backoffMsMin = 100;
const backoffMsMax = 10_000;
const utf8 = new TextEncoder();

export interface Appender {
  /** @throws LedgerUnavailable, LedgerRefusal */
  append(stream: string, expected: ExpectedRevision, events: readonly EncodedEvent[]): Promise<AppendResult>;
  /** Lets appends finish, then gives the connection back. */
  close(): Promise<void>;
}

interface Shared {
  readonly url: string;
  connection: Connection;
  users: number;
}

/**
 * The client keeps the appends that wait for an answer in a map of its module: an error of one client would reject
 * those of another, whose late answers would then end the process. So a process has one that appends.
 */
let shared: Shared | null = null;

function join(url: string, answerMsMax: number): Shared {
  if (shared !== null && shared.url !== url) {
    throw new LedgerUnavailable(
      'This process appends to another EventStoreDB already: close that ledger first.',
    );
  }
  shared ??= { url, connection: connect(url, answerMsMax), users: 0 };
  shared.users += 1;
  return shared;
}

/** @param answerMsMax what an append waits for its answer before it is repeated */
export function createAppender(url: string, answerMsMax: number): Appender {
  decodeBase64Natively();
  const own = join(url, answerMsMax);
  let inFlight = 0;
  const waiting: (() => void)[] = [];
  let closed = false;
  const idle: (() => void)[] = [];

  async function turn(): Promise<void> {
    if (inFlight >= inFlightMax) await new Promise<void>((resolve) => waiting.push(resolve));
    else inFlight += 1;
  }

  function done(): void {
    const next = waiting.shift();
    if (next !== undefined) next();
    else {
      inFlight -= 1;
      if (inFlight === 0) for (const resolve of idle.splice(0)) resolve();
    }
  }

  async function settle(
    stream: string,
    expected: ExpectedRevision,
    events: readonly EncodedEvent[],
  ): Promise<AppendResult> {
    let backoffMs = backoffMsMin;
    for (let repetitions = 0; ; repetitions++) {
      const { connection } = own;
      let begun = false;
      const appending = async () => {
        // biome-ignore lint/complexity/useLiteralKeys: it is protected, and only this way of writing reaches it
        await connection.client['capabilities'];
        begun = true;
        return once(connection.client, stream, expected, events);
      };
      try {
        return await answered(appending(), answerMsMax);
      } catch (error) {
        const verdict = verdictOf(stream, error);
        if (verdict.kind === 'conflict') return verdict.result;
        if (verdict.kind === 'final') throw verdict.error;
        if (repetitions === repetitionsMax) {
          throw new LedgerUnavailable(unclearOutcome(stream, error), { cause: error });
        }
        // A client that could not learn what the server can do would say so for ever.
        if (!begun || error instanceof Unanswered) replace(connection);
        await sleep(backoffMs);
        backoffMs = Math.min(backoffMs * 2, backoffMsMax);
      }
    }
  }

  /** What waits on a connection that gave no answer would wait for ever: all of it is repeated on a new one. */
  function replace(connection: Connection): void {
    if (own.connection !== connection) return;
    own.connection = connect(url, answerMsMax);
    connection.close();
  }

  return {
    async append(stream, expected, events) {
      if (closed) throw new LedgerUnavailable('The ledger is closed.');
      await turn();
      try {
        return await settle(stream, expected, events);
      } finally {
        done();
      }
    },
    async close() {
      if (closed) return;
      closed = true;
      if (inFlight > 0) await new Promise<void>((resolve) => idle.push(resolve));
      own.users -= 1;
      if (own.users > 0) return;
      if (shared === own) shared = null;
      own.connection.close();
    },
  };
}

class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

async function once(
  client: EventStoreDBClient,
  stream: string,
  expected: ExpectedRevision,
  events: readonly EncodedEvent[],
): Promise<AppendResult> {
  const appending = client.appendToStream(
    stream,
    events.map(({ id, type, json, metadata }) =>
      // The client encodes JSON by itself: what it gets is exactly what the codec let through. Metadata it takes as bytes.
      jsonEvent({ id, type, data: json, metadata: utf8.encode(metadata) }),
    ),
    { expectedRevision: expected === 'no-stream' ? NO_STREAM : BigInt(expected) },
  );
  const { nextExpectedRevision } = await appending;
  return { kind: 'appended', revision: Number(nextExpectedRevision) };
}

async function answered<Value>(promise: Promise<Value>, answerMsMax: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const unanswered = new Promise<never>((_, reject) => {
    const said = `no answer within ${answerMsMax / 1000} s`;
    timer = setTimeout(() => reject(new Unanswered(said)), answerMsMax);
  });
  // Whichever is later must not go unhandled.
  promise.catch(() => undefined);
  return Promise.race([promise, unanswered]).finally(() => clearTimeout(timer));
}
