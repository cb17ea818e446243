import pg from 'pg';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { Side } from './sides.ts';

/** Streams of each side that are looked at: the last of its last round among them. */
const lookedAt = 50;

const story = 'TaskReceived CacheHit CacheHit CacheHit Enriched';

interface Found {
  readonly types: string;
  readonly bytes: number;
}

/**
 * That every side did the work: five facts in each stream, of about the same size.
 *
 * @throws Error where a side did not
 */
export async function checkStreams(
  ledger: Ledger,
  ledgerUrl: string,
  { ours, peers }: { readonly ours: Side; readonly peers: readonly Side[] },
): Promise<string> {
  const mine = await bytesOf(ours, (stream) => inLedger(ledger, stream));
  // Without a ledger of its own the bare client of Postgres has a table.
  const pool = ledgerUrl.startsWith('esdb') ? null : new pg.Pool({ connectionString: ledgerUrl });
  const theirs: string[] = [];
  for (const peer of peers) {
    const look = (stream: string) => (pool === null ? inLedger(ledger, stream) : inTable(pool, stream));
    const bytes = await bytesOf(peer, look);
    if (Math.abs(bytes / mine - 1) > 0.03) {
      throw new Error(`${peer.name} writes ${bytes} bytes a task, the worker ${mine}.`);
    }
    theirs.push(`${peer.name} ${bytes}`);
  }
  await pool?.end();
  return `five facts a task everywhere; bytes of them: ${ours.name} ${mine}, ${theirs.join(', ')}`;
}

async function bytesOf(side: Side, look: (stream: string) => Promise<Found>): Promise<number> {
  const streams = side.lastStreams();
  const step = Math.max(1, Math.floor(streams.length / lookedAt));
  let bytes = 0;
  let count = 0;
  for (let at = streams.length - 1; at >= 0; at -= step) {
    const found = await look(streams[at] ?? '');
    if (found.types !== story) throw new Error(`${side.name}: ${streams[at]} holds ${found.types}.`);
    bytes += found.bytes;
    count += 1;
  }
  return Math.round(bytes / count);
}

async function inLedger(ledger: Ledger, stream: string): Promise<Found> {
  const events = await ledger.read(stream);
  return foundOf(events);
}

async function inTable(pool: pg.Pool, stream: string): Promise<Found> {
  const text = 'SELECT type, data, metadata FROM bare WHERE stream = $1 ORDER BY revision';
  const { rows } = await pool.query<Parameters<typeof foundOf>[0][number]>(text, [stream]);
  return foundOf(rows);
}

function foundOf(
  events: readonly { readonly type: string; readonly data: unknown; readonly metadata: unknown }[],
): Found {
  const sizes = events.map(({ data, metadata }) =>
    Buffer.byteLength(JSON.stringify(data) + JSON.stringify(metadata)),
  );
  return {
    types: events.map(({ type }) => type).join(' '),
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}
