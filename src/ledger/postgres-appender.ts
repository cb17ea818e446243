import type { Pool, PoolClient, QueryResult } from 'pg';
import type { AppendResult, ExpectedRevision } from './ledger.ts';
import { areNewStreams, startStreams } from './postgres-new-streams.ts';
import { appendedChannel, columnsOf, headOf, type PendingAppend, type Row, rowsOf } from './postgres-rows.ts';

/** Head of each stream, and the ids of what an append that is behind it may be a repetition of. */
interface Stream {
  head: number;
  readonly ids: Map<number, string>;
}

/**
 * Writes many appends. Those to new streams, as the first fact of every task is one, need a single statement; where that
 * does not do, or where one of them is not new after all, the judging transaction takes over.
 */
export async function writeAppends(
  pool: Pool,
  appends: readonly PendingAppend[],
): Promise<readonly AppendResult[]> {
  const started = areNewStreams(appends) ? await startStreams(pool, appends) : null;
  return started ?? judgeAppends(pool, appends);
}

/**
 * Writes many appends in one transaction: it takes the next positions from one locked row, so the global order is
 * the order of commits, and readers of that order never have to wait for gaps. A conflict of one append leaves the
 * others alone; appends to one stream see each other.
 */
async function judgeAppends(pool: Pool, appends: readonly PendingAppend[]): Promise<readonly AppendResult[]> {
  const client = await pool.connect();
  try {
    const start = await lockHead(client);
    const streams = await readHeads(client, appends);
    const { results, rows } = judge(appends, streams);
    if (rows.length > 0) await insert(client, start, rows);
    await client.query('COMMIT');
    client.release();
    return results;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** Begins the transaction and takes the lock in one way to the server and back: others wait while it is held. */
async function lockHead(client: PoolClient): Promise<bigint> {
  const results = (await client.query(
    'BEGIN; SELECT position FROM ledger.head FOR UPDATE',
  )) as unknown as readonly QueryResult<{ position: string }>[];
  return BigInt(results[1]?.rows[0]?.position ?? 0);
}

async function readHeads(
  client: PoolClient,
  appends: readonly PendingAppend[],
): Promise<Map<string, Stream>> {
  const names = [...new Set(appends.map(({ stream }) => stream))];
  const streams = new Map<string, Stream>(names.map((name) => [name, { head: -1, ids: new Map() }]));
  const heads = await client.query<{ stream: string; head: number }>({
    name: 'ledger-heads',
    text: `SELECT name AS stream, ${headOf('name')} AS head
             FROM unnest($1::text[]) AS name`,
    values: [names],
  });
  for (const { stream, head } of heads.rows) {
    const known = streams.get(stream);
    if (known !== undefined) known.head = head ?? -1;
  }
  const behind = appends.filter(
    ({ stream, expected }) => revisionOf(expected) < (streams.get(stream)?.head ?? -1),
  );
  if (behind.length === 0) return streams;
  const found = await client.query<{ stream: string; revision: number; id: string }>({
    name: 'ledger-ids-behind',
    text: `SELECT e.stream, e.revision, e.id FROM unnest($1::text[], $2::int[], $3::int[]) AS a(stream, low, high)
             JOIN ledger.events e ON e.stream = a.stream AND e.revision > a.low AND e.revision <= a.high`,
    values: [
      behind.map(({ stream }) => stream),
      behind.map(({ expected }) => revisionOf(expected)),
      behind.map(({ expected, events }) => revisionOf(expected) + events.length),
    ],
  });
  for (const { stream, revision, id } of found.rows) streams.get(stream)?.ids.set(revision, id);
  return streams;
}

function judge(appends: readonly PendingAppend[], streams: Map<string, Stream>) {
  const rows: Row[] = [];
  const results = appends.map(({ stream: name, expected, events }): AppendResult => {
    const stream = streams.get(name) ?? { head: -1, ids: new Map() };
    const from = revisionOf(expected);
    if (events.length === 0) return { kind: 'appended', revision: stream.head };
    if (from < stream.head) {
      const repeated = events.every(({ id }, index) => stream.ids.get(from + 1 + index) === id.toLowerCase());
      return repeated
        ? { kind: 'appended', revision: from + events.length }
        : { kind: 'conflict', actual: stream.head };
    }
    if (from > stream.head) return { kind: 'conflict', actual: stream.head };
    for (const event of events) {
      stream.head += 1;
      stream.ids.set(stream.head, event.id.toLowerCase());
      rows.push({ ...event, stream: name, revision: stream.head });
    }
    return { kind: 'appended', revision: stream.head };
  });
  return { results, rows };
}

async function insert(client: PoolClient, start: bigint, rows: readonly Row[]): Promise<void> {
  await client.query({
    name: 'ledger-insert',
    text: `WITH moved AS (UPDATE ledger.head SET position = $8), told AS (SELECT pg_notify('${appendedChannel}', ''))
           INSERT INTO ledger.events (position, stream, revision, id, type, data, metadata)
           SELECT $1::bigint + ordinality, stream, revision, id, type, data, metadata
             FROM ${rowsOf(2)}, told`,
    values: [String(start), ...columnsOf(rows), String(start + BigInt(rows.length))],
  });
}

function revisionOf(expected: ExpectedRevision): number {
  return expected === 'no-stream' ? -1 : expected;
}
