import type { Pool, PoolClient, QueryResult } from 'pg';
import type { EncodedEvent } from './codec.ts';
import type { AppendResult, ExpectedRevision } from './ledger.ts';

export interface PendingAppend {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly EncodedEvent[];
}

/** Tells subscribers in every process that there is something new. */
export const appendedChannel = 'ledger_appended';

/** Head of each stream, and the ids of what an append that is behind it may be a repetition of. */
interface Stream {
  head: number;
  readonly ids: Map<number, string>;
}

/**
 * Writes many appends in one transaction: it takes the next positions from one locked row, so the global order is
 * the order of commits, and readers of that order never have to wait for gaps. A conflict of one append leaves the
 * others alone; appends to one stream see each other.
 */
export async function writeAppends(
  pool: Pool,
  appends: readonly PendingAppend[],
): Promise<readonly AppendResult[]> {
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
    text: `SELECT name AS stream, (SELECT max(revision) FROM ledger.events WHERE stream = name) AS head
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

interface Row extends EncodedEvent {
  readonly stream: string;
  readonly revision: number;
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
             FROM ROWS FROM (unnest($2::text[]), unnest($3::int[]), unnest($4::uuid[]), unnest($5::text[]),
                             json_array_elements($6::json), json_array_elements($7::json))
                  WITH ORDINALITY AS e(stream, revision, id, type, data, metadata, ordinality), told`,
    values: [
      String(start),
      rows.map((row) => row.stream),
      rows.map((row) => row.revision),
      rows.map((row) => row.id),
      rows.map((row) => row.type),
      jsonArray(rows.map((row) => row.data)),
      jsonArray(rows.map((row) => row.metadata)),
      String(start + BigInt(rows.length)),
    ],
  });
}

/** As JSON, whose elements keep their text: in an array of SQL each quote would be escaped, and read again. */
function jsonArray(texts: readonly string[]): string {
  return `[${texts.join(',')}]`;
}

function revisionOf(expected: ExpectedRevision): number {
  return expected === 'no-stream' ? -1 : expected;
}
