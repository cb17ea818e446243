import { setTimeout as sleep } from 'node:timers/promises';
import { encodeAppend } from './codec.ts';
import { answerMsDefault, createAppender } from './eventstoredb-appender.ts';
import { behindOf } from './eventstoredb-behind.ts';
import { type Connection, connect } from './eventstoredb-connection.ts';
import { connectionFault, messageOf } from './eventstoredb-errors.ts';
import { parseSent } from './eventstoredb-message.ts';
import { isAtOrAfter } from './eventstoredb-position.ts';
import { readHead, readStream } from './eventstoredb-reading.ts';
import { followAll } from './eventstoredb-subscription.ts';
import { type Ledger, LedgerUnavailable, type SubscribeOptions } from './ledger.ts';

export interface EventStoreLedgerOptions {
  /** `esdb://…` or `esdb+discover://…`. */
  readonly url: string;
  /** How long an append waits for its answer before it is repeated, in milliseconds; 12,000 where it is left out. */
  readonly answerMsMax?: number;
}

const readRepetitionsMax = 4;
const backoffMsMin = 100;

/**
 * The ledger in EventStoreDB.
 *
 * @throws LedgerUnavailable that names what to change in LEDGER_URL, where the server cannot be used
 */
export async function openEventStoreLedger({
  url,
  answerMsMax = answerMsDefault,
}: EventStoreLedgerOptions): Promise<Ledger> {
  const newConnection = () => connect(url, answerMsMax);
  const reader = newConnection();
  await readHead(reader).catch((cause: unknown) => {
    const said =
      connectionFault(cause) ?? `EventStoreDB does not answer (${messageOf(cause)}): check LEDGER_URL.`;
    reader.close();
    throw new LedgerUnavailable(said, { cause });
  });
  const appender = createAppender(url, answerMsMax);
  const closing = new AbortController();
  let closed: Promise<void> | null = null;

  /** A read changes nothing, so it is simply tried again. */
  async function repeated<Value>(
    what: string,
    read: (connection: Connection) => Promise<Value>,
  ): Promise<Value> {
    for (let repetitions = 0; ; repetitions++) {
      if (closing.signal.aborted) throw new LedgerUnavailable('The ledger is closed.');
      try {
        return await read(reader);
      } catch (cause) {
        if (repetitions === readRepetitionsMax) {
          const said = connectionFault(cause) ?? `${what} could not be read: ${messageOf(cause)}.`;
          throw new LedgerUnavailable(said, { cause });
        }
        await sleep(backoffMsMin * 2 ** repetitions);
      }
    }
  }

  const read: Ledger['read'] = (stream, options = {}) =>
    repeated(stream, (connection) => readStream(connection, stream, options));
  const head = () => repeated('The head of the ledger', readHead);

  const untilClosed = (options: SubscribeOptions) => ({
    ...options,
    signal: AbortSignal.any([options.signal, closing.signal]),
  });

  return {
    async append(stream, expected, events) {
      const encoded = encodeAppend(stream, events);
      if (encoded.length > 0) return appender.append(stream, expected, encoded);
      const [last] = await read(stream, { direction: 'backwards', maxCount: 1 });
      return { kind: 'appended', revision: last?.revision ?? -1 };
    },
    read,
    subscribe: (options) => followAll(newConnection, parseSent, head, untilClosed(options)),
    subscribeSent: (options) => followAll(newConnection, (event) => event, head, untilClosed(options)),
    head,
    server: () => repeated('The version of the server', () => versionOf(newConnection())),
    // Setting it again is harmless, so it is repeated like a read.
    cut: (stream, beforeRevision) =>
      repeated(stream, async ({ client }) => {
        const { metadata } = await client.getStreamMetadata(stream);
        await client.setStreamMetadata(stream, { ...metadata, truncateBefore: beforeRevision });
      }),
    behind: (after) => repeated('What is new in the ledger', ({ client }) => behindOf(client, after)),
    isAtOrAfter,
    close() {
      closed ??= (async () => {
        await appender.close();
        closing.abort();
        reader.close();
      })();
      return closed;
    },
  };
}

/** The client asks every server for its version, and keeps it, or that there was no answer, to itself. */
async function versionOf(connection: Connection): Promise<string> {
  try {
    // biome-ignore lint/complexity/useLiteralKeys: it is protected, and only this way of writing reaches it
    const { serverVersion } = await connection.client['capabilities'];
    return `EventStoreDB ${serverVersion}`;
  } finally {
    connection.close();
  }
}
