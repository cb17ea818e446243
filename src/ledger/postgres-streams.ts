import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { type ByteText, LedgerUnavailable, type StoredEvent, type StreamsOptions, textOf } from './ledger.ts';

const connectMsMax = 10_000;
/** A batch ends with the stream that reaches this many events. Few, so that what was read dies young. */
const batchEventsMin = 200;

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
        `COPY (SELECT stream, revision, id, type, data, metadata FROM ledger.events
                WHERE ${conditions.join(' AND ')} ORDER BY stream, revision) TO STDOUT`,
      ),
    );
    signal.addEventListener('abort', () => rows.destroy(new Error('Stopped.')), { once: true });
    let batch: StoredEvent[] = [];
    for await (const text of wholeLines(rows)) {
      for (let from = 0; from < text.length; ) {
        const end = text.indexOf('\n', from);
        const event = eventOf(text, from, end);
        from = end + 1;
        if (batch.length >= batchEventsMin && batch.at(-1)?.stream !== event.stream) {
          yield batch;
          batch = [];
        }
        if (prefixes.some((prefix) => event.stream.startsWith(prefix))) batch.push(event);
      }
    }
    if (batch.length > 0) yield batch;
  } catch (cause) {
    signal.throwIfAborted();
    throw new LedgerUnavailable(`The streams could not be read: ${(cause as Error).message}.`, { cause });
  } finally {
    await client.end().catch(() => undefined);
  }
}

const lineFeed = 10;

/** Many lines at once, all of them whole. A COPY escapes line feeds inside of values, so a line is a row. */
async function* wholeLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<ByteText> {
  let parts: Buffer[] = [];
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(lineFeed) + 1;
    if (end > 0) {
      parts.push(chunk.subarray(0, end));
      yield (parts.length === 1 ? chunk.subarray(0, end) : Buffer.concat(parts)).toString('latin1');
      parts = [];
    }
    if (end < chunk.length) parts.push(chunk.subarray(end));
  }
}

/** The row of a COPY that stands in the text from here to there. */
function eventOf(text: ByteText, from: number, to: number): StoredEvent {
  const ends = [text.indexOf('\t', from)];
  for (let at = 1; at < 5; at++) ends.push(text.indexOf('\t', (ends[at - 1] ?? 0) + 1));
  const [stream = 0, revision = 0, id = 0, type = 0, data = 0] = ends;
  return {
    stream: textOf(field(text, from, stream)),
    revision: Number(text.slice(stream + 1, revision)),
    id: text.slice(revision + 1, id),
    type: textOf(field(text, id + 1, type)),
    data: field(text, type + 1, data),
    metadata: field(text, data + 1, to),
  };
}

function field(text: ByteText, from: number, to: number): ByteText {
  const value = text.slice(from, to);
  return value.includes('\\') ? unescaped(value) : value;
}

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function unescaped(text: ByteText): ByteText {
  return text.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
}
