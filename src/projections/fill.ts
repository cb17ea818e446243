import type { Client } from 'pg';
import type { Ledger, Position } from '../ledger/ledger.ts';
import { connect } from './database.ts';
import { fillByPosition } from './fill-positions.ts';
import { fillByStream } from './fill-streams.ts';
import { openFollower } from './follower.ts';
import { dropSecondaryIndexes, secondaryIndexes } from './secondary-indexes.ts';

export interface FillOptions {
  readonly ledger: Ledger;
  readonly url: string;
  /** Whose tables are new, or were left half filled. */
  readonly schema: string;
  /** Where the tables are to stand afterwards. */
  readonly upTo: Position;
  readonly signal: AbortSignal;
  /** Events that are written in one transaction, about, where the ledger hands out no streams. */
  readonly chunkEventsMin?: number;
  readonly onProgress?: (events: number) => void;
  readonly onIndexing?: (events: number) => void;
}

/** A statement of a fill may take this long; making an index is one. */
const statementMsMax = 3_600_000;
const chunkEventsDefault = 20_000;

/**
 * Fills the tables of a new schema in bulk: whole streams at a time where the ledger hands them out, else in its global
 * order; indexes come last. Every chunk commits with where it ends, so after a kill the next call goes on from there.
 *
 * @returns how many events were read in all
 */
export async function fill(options: FillOptions): Promise<number> {
  const { ledger, url, schema, upTo, signal, onProgress = () => undefined } = options;
  const { chunkEventsMin = chunkEventsDefault } = options;
  const client = await connect(url, schema, statementMsMax);
  try {
    // What a crash of the server takes along is filled again.
    await client.query('SET synchronous_commit = off');
    const follower = await openFollower(client, ledger);
    const { filling, position } = follower.checkpoint;
    if (filling === null && position !== null) return 0;
    if (filling === null) {
      const indexes = await secondaryIndexes(client, schema);
      const first = { upTo, afterStream: null, events: 0, indexes };
      await follower.move({ position, filling: first }, () => dropSecondaryIndexes(client, schema));
    }
    const begun = follower.checkpoint.filling;
    if (begun === null) throw new Error(`Nothing is being filled in ${schema}.`);
    const parts = { client, ledger, follower, filling: begun, signal, onProgress };
    const events = await (ledger.streams === undefined
      ? fillByPosition({ ...parts, chunkEventsMin })
      : fillByStream(parts));
    options.onIndexing?.(events);
    await makeIndexes(client, begun.indexes);
    await follower.move({ position: begun.upTo, filling: null });
    return events;
  } finally {
    await client.end();
  }
}

/** What comes last, so that it is made once. */
async function makeIndexes(client: Client, indexes: readonly string[]): Promise<void> {
  for (const statement of indexes) await client.query(statement);
  await client.query('ANALYZE tracks, tasks, metrics');
}
