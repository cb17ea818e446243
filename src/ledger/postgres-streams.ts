import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { LedgerUnavailable, type StreamsOptions, type StreamsPage } from './ledger.ts';
import { pagesOf } from './streams-page.ts';

const connectMsMax = 10_000;
/** A page ends with the stream that reaches this many bytes. */
const pageBytesMin = 1 << 21;

/**
 * Whole streams in the order of their names, straight from a COPY that walks the index of streams: no sorting, and
 * nothing is kept but what is in hand. One statement on a connection of its own, so what it sees is one moment.
 */
export async function* readStreams(
  url: string,
  { prefixes, upTo, afterStream, signal }: StreamsOptions,
): AsyncGenerator<StreamsPage> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectMsMax,
    application_name: 'enrichment-ledger-streams',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    signal.throwIfAborted();
    // Sorting all of the ledger would keep the first stream waiting until the last was read.
    await client.query('SET enable_sort = off; SET enable_seqscan = off; SET enable_bitmapscan = off');
    const ofPrefix = prefixes.map((prefix) => `starts_with(stream, ${pg.escapeLiteral(prefix)})`);
    const conditions = [`position <= ${BigInt(upTo)}`, `(${ofPrefix.join(' OR ')})`];
    if (afterStream !== null) conditions.push(`stream > ${pg.escapeLiteral(afterStream)}`);
    const rows = client.query(
      copyTo(
        `COPY (SELECT stream, revision, id, type, data, metadata FROM ledger.events
                WHERE ${conditions.join(' AND ')} ORDER BY stream, revision) TO STDOUT`,
      ),
    );
    signal.addEventListener('abort', () => rows.destroy(new Error('Stopped.')), { once: true });
    yield* pagesOf(rows, pageBytesMin);
  } catch (cause) {
    signal.throwIfAborted();
    throw new LedgerUnavailable(`The streams could not be read: ${(cause as Error).message}.`, { cause });
  } finally {
    await client.end().catch(() => undefined);
  }
}
