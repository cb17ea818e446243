import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { LedgerUnavailable, type StoredEvent, type StreamsOptions } from './ledger.ts';

const connectMsMax = 10_000;
/** Rows come as text, tab-separated; a batch ends with the stream that reaches this many events. */
const batchEventsMin = 2000;

/**
 * Whole streams in the order of their names, straight from a COPY that walks the index of streams: no sorting, and
 * nothing is kept but what is in hand. One statement on a connection of its own, so what it sees is one moment.
 */
export async function* readStreams(
  url: string,
  { prefixes, upTo, afterStream, signal }: StreamsOptions,
): AsyncGenerator<readonly StoredEvent[]> {
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
    const conditions = [`position <= ${BigInt(upTo)}`];
    if (afterStream !== null) conditions.push(`stream > ${pg.escapeLiteral(afterStream)}`);
    const rows = client.query(
      copyTo(
        `COPY (SELECT stream, revision, id, type, position, data, metadata FROM ledger.events
                WHERE ${conditions.join(' AND ')} ORDER BY stream, revision) TO STDOUT`,
      ),
    );
    signal.addEventListener('abort', () => rows.destroy(new Error('Stopped.')), { once: true });
    let batch: StoredEvent[] = [];
    for await (const line of linesOf(rows)) {
      const event = eventOf(line);
      if (batch.length >= batchEventsMin && batch.at(-1)?.stream !== event.stream) {
        yield batch;
        batch = [];
      }
      if (prefixes.some((prefix) => event.stream.startsWith(prefix))) batch.push(event);
    }
    if (batch.length > 0) yield batch;
  } catch (cause) {
    signal.throwIfAborted();
    throw new LedgerUnavailable(`The streams could not be read: ${(cause as Error).message}.`, { cause });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A COPY escapes line feeds inside of values, so a line is a row. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for await (const chunk of chunks) {
    const text = rest + decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      yield text.slice(from, end);
      from = end + 1;
    }
    rest = text.slice(from);
  }
}

function eventOf(line: string): StoredEvent {
  const [stream = '', revision, id = '', type = '', position = '', data = '', metadata = ''] =
    line.split('\t');
  return {
    stream: unescaped(stream),
    revision: Number(revision),
    id,
    type: unescaped(type),
    position,
    data: unescaped(data),
    metadata: unescaped(metadata),
  };
}

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function unescaped(text: string): string {
  return text.includes('\\')
    ? text.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter)
    : text;
}
