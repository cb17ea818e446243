import type { Client } from 'pg';
import type { Ledger, Position } from '../ledger/ledger.ts';
import { letHeapGrow } from '../threads/heap.ts';
import type { Filling } from './checkpoint.ts';
import { connect } from './database.ts';
import { fillByStream } from './fill-streams.ts';
import { type Follower, openFollower } from './follower.ts';
import { dropSecondaryIndexes, secondaryIndexes } from './secondary-indexes.ts';
import { stage } from './stage.ts';
import { dropStaging } from './staging.ts';
import { type StreamSource, stagedStreams, streamsOfLedger } from './stream-source.ts';

export interface FillOptions {
  readonly ledger: Ledger;
  readonly url: string;
  /** Whose tables are new, or were left half filled. */
  readonly schema: string;
  /** Where the tables are to stand afterwards. */
  readonly upTo: Position;
  readonly signal: AbortSignal;
  /** Bytes of events that are staged in one transaction, about, where the ledger hands out no streams. */
  readonly stagedBytesMin?: number;
  /** Pages whose rows are written in one transaction. */
  readonly pagesPerTransaction?: number;
  readonly onStaging?: (events: number) => void;
  readonly onProgress?: (events: number) => void;
  readonly onIndexing?: (events: number) => void;
}

/** A statement of a fill may take this long; making an index is one. */
const statementMsMax = 3_600_000;
const stagedBytesDefault = 1 << 21;
/**
 * While one statement reads the ledger, PostgreSQL keeps every version of the rows that a transaction updates: those of
 * `metrics`, and the checkpoint. Each next transaction passes by all of them.
 */
const pagesPerTransactionDefault = 8;

/**
 * Fills the tables of a new schema in bulk, whole streams at a time; indexes come last. Where the ledger hands out no
 * streams, its events are staged first in a table of their own, which puts them in that order. Some pages at a time
 * commit with where they end, so after a kill the next call goes on from there.
 *
 * @returns how many events were read in all
 */
export async function fill(options: FillOptions): Promise<number> {
  const { ledger, url, schema, upTo, signal, onProgress = () => undefined } = options;
  letHeapGrow();
  const client = await connect(url, schema, statementMsMax);
  try {
    // What a crash of the server takes along is filled again.
    await client.query('SET synchronous_commit = off');
    const follower = await openFollower(client, ledger);
    const { filling, position } = follower.checkpoint;
    if (filling === null && position !== null) return 0;
    const begun = filling ?? (await begin(client, follower, schema, upTo));
    const whole = await wholeStreams({ ...options, client, follower }, begun);
    const { pagesPerTransaction = pagesPerTransactionDefault } = options;
    const how = { client, follower, pagesPerTransaction, signal, onProgress };
    const events = await fillByStream({ ...whole, ...how });
    options.onIndexing?.(events);
    await makeIndexes(client, options, begun.indexes);
    await follower.move({ position: begun.upTo, filling: null }, () => dropStaging(client));
    return events;
  } finally {
    await client.end();
  }
}

async function begin(client: Client, follower: Follower, schema: string, upTo: Position): Promise<Filling> {
  const indexes = await secondaryIndexes(client, schema);
  const filling = { upTo, staged: 0, afterStream: null, events: 0, indexes };
  const { position } = follower.checkpoint;
  await follower.move({ position, filling }, () => dropSecondaryIndexes(client, schema));
  return filling;
}

/** Where the streams are, once they are there. */
async function wholeStreams(
  options: FillOptions & { readonly client: Client; readonly follower: Follower },
  filling: Filling,
): Promise<{ readonly source: StreamSource; readonly filling: Filling }> {
  const { client, ledger, follower, url, schema, signal } = options;
  const source = streamsOfLedger(ledger, filling.upTo);
  if (source !== null) return { source, filling };
  const { subscribeSent: subscribe, isAtOrAfter } = ledger;
  if (subscribe === undefined)
    throw new Error('This ledger hands out neither streams nor events as they were sent.');
  const { stagedBytesMin: pageBytesMin = stagedBytesDefault, onStaging: onProgress = () => undefined } =
    options;
  const staging = { client, ledger: { subscribe, isAtOrAfter }, follower, signal, pageBytesMin, onProgress };
  return { source: stagedStreams(client, url, schema), filling: await stage(staging, filling) };
}

/** What comes last, so that it is made once: that of the largest table beside that of the others. */
async function makeIndexes(
  client: Client,
  { url, schema }: FillOptions,
  indexes: readonly string[],
): Promise<void> {
  const isOfTracks = (statement: string) => statement.includes(` ON ${schema}.tracks `);
  const other = await connect(url, schema, statementMsMax);
  try {
    await Promise.all([
      inTurn(client, [...indexes.filter(isOfTracks), 'ANALYZE tracks']),
      inTurn(other, [...indexes.filter((one) => !isOfTracks(one)), 'ANALYZE tasks, metrics']),
    ]);
  } finally {
    await other.end();
  }
}

async function inTurn(client: Client, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await client.query(statement);
}
