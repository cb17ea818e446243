import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { encodeAppend } from './codec.ts';
import { type AppendResult, type Ledger, LedgerUnavailable, readCountMax } from './ledger.ts';
import { writeAppends } from './postgres-appender.ts';
import { behindOf } from './postgres-behind.ts';
import { appendedChannel, type PendingAppend } from './postgres-rows.ts';
import { ensureLedgerSchema } from './postgres-schema.ts';
import { readStreams } from './postgres-streams.ts';
import { followLedger, recordedEvent } from './postgres-subscription.ts';

export interface PostgresLedgerOptions {
  /** `postgres://…` */
  readonly url: string;
  /** Why the database will not come back by itself; null: trying again may help. */
  readonly fault?: () => Error | null;
}

const appendsPerBatchMax = 256;
const bytesPerBatchMax = 8 * 1024 * 1024;
const connectionsMax = 6;
const connectMsMax = 10_000;
const statementMsMax = 30_000;
/** How often a batch is repeated whose outcome is unknown: about half a minute in all. */
const repetitionsMax = 8;
const backoffMsMin = 100;
const backoffMsMax = 10_000;

interface Waiting extends PendingAppend {
  readonly bytes: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** The ledger in a PostgreSQL database, in its schema `ledger`, which is made where it is missing. */
export async function openPostgresLedger(options: PostgresLedgerOptions): Promise<Ledger> {
  const { url, fault = () => null } = options;
  const pool = new pg.Pool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: connectMsMax,
    statement_timeout: statementMsMax,
    query_timeout: statementMsMax,
    application_name: 'enrichment-ledger',
  });
  // A connection that is lost while idle is replaced at the next use; one in use says so in its query.
  pool.on('error', () => undefined).on('connect', (client) => client.on('error', () => undefined));
  await ensureLedgerSchema(pool);

  const closing = new AbortController();
  let closed: Promise<void> | null = null;
  const appended = await listen(url, closing.signal);
  const waiting: Waiting[] = [];
  let writing: Promise<void> | null = null;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = takeBatch();
      try {
        const results = await settle(pool, batch, fault);
        for (const [index, { resolve, reject, stream }] of batch.entries()) {
          const result = results[index];
          if (result === undefined) reject(new LedgerUnavailable(`${stream}: the append has no outcome.`));
          else resolve(result);
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    writing = null;
  }

  function takeBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const one of waiting) {
      if (count > 0 && (count === appendsPerBatchMax || bytes + one.bytes > bytesPerBatchMax)) break;
      bytes += one.bytes;
      count += 1;
    }
    return waiting.splice(0, count);
  }

  return {
    async append(stream, expected, events) {
      const encoded = encodeAppend(stream, events);
      const bytes = encoded.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0);
      return new Promise((resolve, reject) => {
        if (closed !== null) return reject(new LedgerUnavailable('The ledger is closed.'));
        waiting.push({ stream, expected, events: encoded, bytes, resolve, reject });
        writing ??= Promise.resolve().then(writeAll);
      });
    },

    async read(stream, { direction = 'forwards', from, maxCount = readCountMax } = {}) {
      const forwards = direction === 'forwards';
      const start = from ?? (forwards ? 0 : 2 ** 31 - 1);
      try {
        const { rows } = await pool.query({
          name: `ledger-read-${direction}`,
          text: `SELECT position, stream, revision, id, type, data, metadata FROM ledger.events
                  WHERE stream = $1 AND revision ${forwards ? '>=' : '<='} $2
                  ORDER BY revision ${forwards ? 'ASC' : 'DESC'} LIMIT $3`,
          values: [stream, Math.min(Math.max(start, -1), 2 ** 31 - 1), Math.min(maxCount, readCountMax)],
        });
        return rows.map(recordedEvent);
      } catch (cause) {
        throw new LedgerUnavailable(`${stream} could not be read: ${messageOf(cause)}.`, { cause });
      }
    },

    subscribe(options) {
      const signal = AbortSignal.any([options.signal, closing.signal]);
      return followLedger(pool, appended, { ...options, signal });
    },

    async head() {
      try {
        const { rows } = await pool.query<{ position: string }>('SELECT position FROM ledger.head');
        const position = rows[0]?.position ?? '0';
        return position === '0' ? null : position;
      } catch (cause) {
        throw new LedgerUnavailable(`The head of the ledger could not be read: ${messageOf(cause)}.`, {
          cause,
        });
      }
    },

    async server() {
      try {
        const { rows } = await pool.query<{ server_version: string }>('SHOW server_version');
        return `PostgreSQL ${rows[0]?.server_version ?? 'of unknown version'}`;
      } catch (cause) {
        throw new LedgerUnavailable(`PostgreSQL does not answer: ${messageOf(cause)}.`, { cause });
      }
    },

    async behind(after) {
      try {
        return await behindOf(pool, after);
      } catch (cause) {
        throw new LedgerUnavailable(`What is new in the ledger could not be counted: ${messageOf(cause)}.`, {
          cause,
        });
      }
    },

    async cut(stream, beforeRevision) {
      try {
        await pool.query('DELETE FROM ledger.events WHERE stream = $1 AND revision < $2', [
          stream,
          beforeRevision,
        ]);
      } catch (cause) {
        throw new LedgerUnavailable(`${stream} could not be cut: ${messageOf(cause)}.`, { cause });
      }
    },

    streams(options) {
      const signal = AbortSignal.any([options.signal, closing.signal]);
      return readStreams(url, { ...options, signal });
    },

    isAtOrAfter: (position, other) => BigInt(position) >= BigInt(other),

    close() {
      closed ??= (async () => {
        await writing;
        closing.abort();
        await pool.end();
      })();
      return closed;
    },
  };
}

/** An unknown outcome is settled by the same ids at the same revisions: absence seen by reading proves nothing. */
async function settle(
  pool: pg.Pool,
  batch: readonly PendingAppend[],
  fault: () => Error | null,
): Promise<readonly AppendResult[]> {
  let backoffMs = backoffMsMin;
  for (let repetitions = 0; ; repetitions++) {
    try {
      return await writeAppends(pool, batch);
    } catch (cause) {
      if (repetitions === repetitionsMax || isFinal(cause) || fault() !== null) {
        throw new LedgerUnavailable(
          `The ledger did not take ${batch.length} append(s): ${messageOf(cause)}.`,
          { cause },
        );
      }
      await sleep(backoffMs);
      backoffMs = Math.min(backoffMs * 2, backoffMsMax);
    }
  }
}

/** Disk full, and whatever PostgreSQL says about the statement itself, does not pass by trying again soon. */
function isFinal(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^(53100|42|22|28|3D)/.test(code);
}

/** Wakes subscriptions when any process appends; where it cannot listen, they look by themselves. */
async function listen(url: string, closing: AbortSignal): Promise<() => Promise<void>> {
  let next = signalling();
  const connect = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectMsMax });
    client.on('notification', () => {
      next.resolve();
      next = signalling();
    });
    client.on('error', () => undefined);
    client.once('end', () => {
      if (!closing.aborted) setTimeout(() => void connect().catch(() => undefined), backoffMsMax).unref();
    });
    await client.connect();
    await client.query(`LISTEN ${appendedChannel}`);
    closing.addEventListener('abort', () => void client.end().catch(() => undefined), { once: true });
  };
  await connect();
  return () => next.promise;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function signalling(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
