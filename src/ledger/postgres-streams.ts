import pg from 'pg';
import { copyStreams } from './copy-streams.ts';
import { LedgerUnavailable, type StreamsOptions, type StreamsPage } from './ledger.ts';

const connectMsMax = 10_000;

/**
 * Whole streams in the order of their names, straight from a COPY that walks the index of streams: no sorting, and
 * nothing is kept but what is in hand. One statement on a connection of its own, so what it sees is one moment.
 */
export async function* readStreams(
  url: string,
  { prefixes, upTo, afterStream, memory, signal }: StreamsOptions,
): AsyncGenerator<StreamsPage> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectMsMax,
    application_name: 'enrichment-ledger-streams',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    // Sorting all of the ledger would keep the first stream waiting until the last was read.
    await client.query('SET enable_sort = off; SET enable_seqscan = off; SET enable_bitmapscan = off');
    const ofPrefix = prefixes.map((prefix) => `starts_with(stream, ${pg.escapeLiteral(prefix)})`);
    const conditions = [`position <= ${BigInt(upTo)}`, `(${ofPrefix.join(' OR ')})`];
    if (afterStream !== null) conditions.push(`stream > ${pg.escapeLiteral(afterStream)}`);
    const select = `SELECT stream, revision, id::text, type, data, metadata FROM ledger.events
       WHERE ${conditions.join(' AND ')} ORDER BY stream, revision`;
    yield* copyStreams(client, select, memory, signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw new LedgerUnavailable(`The streams could not be read: ${(cause as Error).message}.`, { cause });
  } finally {
    await client.end().catch(() => undefined);
  }
}
