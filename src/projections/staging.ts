import type { Client } from 'pg';
import { copyStreams } from '../ledger/copy-streams.ts';
import type { PageMemory, StoredEvent, StreamsPage } from '../ledger/ledger.ts';
import { copyIn } from './copy-in.ts';
import { connect } from './database.ts';

const table = 'projection_staging';
const columns = 'stream, revision, id, type, data, metadata';
export const stagedColumns = 6;

/** Sorting happens in so much memory, then on disk. */
const sortingMemory = '64MB';

/**
 * Makes the table, where it is missing, in which events stand on their way from a ledger's global order to whole streams.
 * A crash of the server empties it, for its own log would cost as much as the rest; then it is filled again. Data stays in
 * the row as it is: it is read once, so compressing it does not pay.
 */
export async function createStaging(client: Client): Promise<void> {
  await client.query(
    `CREATE UNLOGGED TABLE IF NOT EXISTS ${table} (stream text COLLATE "C" NOT NULL, revision integer NOT NULL, id text NOT NULL,
       type text NOT NULL, data text NOT NULL, metadata text NOT NULL)
       WITH (toast_tuple_target = 8160, autovacuum_enabled = false);
     ALTER TABLE ${table} ALTER data SET STORAGE EXTERNAL`,
  );
}

export async function dropStaging(client: Client): Promise<void> {
  await client.query(`DROP TABLE IF EXISTS ${table}`);
}

export async function emptyStaging(client: Client): Promise<void> {
  await client.query(`TRUNCATE ${table}`);
}

export async function countStaged(client: Client): Promise<number> {
  const { rows } = await client.query<{ staged: string }>(`SELECT count(*) AS staged FROM ${table}`);
  return Number(rows[0]?.staged);
}

export async function writeStaged(client: Client, bytes: Uint8Array): Promise<void> {
  await copyIn(client, `${table} (${columns})`, bytes);
}

/** Names begin alike, so numbers are sorted faster. */
const hash = (name: string) => `hashtextextended(${name}, 0)`;

/** What is staged, as whole streams in an order of its own that is always the same. */
export async function* readStaged(options: {
  readonly url: string;
  readonly schema: string;
  readonly afterStream: string | null;
  readonly memory: PageMemory;
  readonly signal: AbortSignal;
}): AsyncGenerator<StreamsPage> {
  const { url, schema, afterStream, memory, signal } = options;
  const client = await connect(url, schema, 0);
  try {
    await client.query(`SET work_mem = '${sortingMemory}'`);
    const after = afterStream === null ? null : client.escapeLiteral(afterStream);
    const condition = after === null ? '' : `WHERE (${hash('stream')}, stream) > (${hash(after)}, ${after})`;
    const select = `SELECT ${columns} FROM ${table} ${condition} ORDER BY ${hash('stream')}, stream, revision`;
    yield* copyStreams(client, select, memory, signal);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The events of some streams, each in its order: they are looked for once, as the table has no index. */
export async function readStagedAgain(
  client: Client,
  streams: readonly string[],
): Promise<readonly StoredEvent[]> {
  const { rows } = await client.query<StoredEvent>(
    `SELECT ${columns} FROM ${table} WHERE stream = ANY($1) ORDER BY stream, revision`,
    [streams],
  );
  return rows.map((row) => ({ ...row, data: bytesOf(row.data), metadata: bytesOf(row.metadata) }));
}

/** UTF-8, a character a byte. */
const bytesOf = (text: string) => Buffer.from(text).toString('latin1');
