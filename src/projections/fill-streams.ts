import type { Client } from 'pg';
import { streamPrefixes } from '../domain/stream-names.ts';
import type { Ledger, Position } from '../ledger/ledger.ts';
import { applyOneByOne, isRefusal } from './apply-batch.ts';
import { arrivalOf } from './arrival.ts';
import type { Filling } from './checkpoint.ts';
import type { Follower } from './follower.ts';
import { createFreshBatch, type FreshBatch } from './fresh-batch.ts';
import { createQuarantine, loadSkipped } from './quarantine.ts';
import { readRange } from './stream-pages.ts';

export interface FillStreamsOptions {
  readonly client: Client;
  readonly ledger: Ledger;
  readonly follower: Follower;
  readonly filling: Filling;
  readonly signal: AbortSignal;
  readonly onProgress: (events: number) => void;
  readonly chunkEventsMin: number;
}

/**
 * Folds whole streams, one after the other, and copies their rows. One transaction is written while the next streams
 * are read.
 */
export async function fillByStream(options: FillStreamsOptions): Promise<number> {
  const { client, ledger, follower, signal, onProgress, chunkEventsMin } = options;
  if (ledger.streams === undefined) throw new Error('This ledger does not hand out streams.');
  const skipped = await loadSkipped(client);
  let { filling } = options;
  let batch = createFreshBatch(skipped);
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    await writing;
    const full = batch;
    batch = createFreshBatch(skipped);
    const afterStream = full.streams.at(-1) ?? filling.afterStream;
    filling = { ...filling, afterStream, events: filling.events + full.events };
    writing = follower.move({ position: null, filling }, () =>
      save(client, ledger, full, filling.upTo, skipped),
    );
    // It is awaited before the next one.
    writing.catch(() => undefined);
    onProgress(filling.events);
  }

  const { upTo, afterStream } = filling;
  for await (const events of ledger.streams({ prefixes: streamPrefixes, upTo, afterStream, signal })) {
    for (const stored of events) batch.take(arrivalOf(stored));
    batch.settle();
    if (batch.events >= chunkEventsMin) await write();
  }
  signal.throwIfAborted();
  await write();
  await writing;
  return filling.events;
}

/** All streams at once; where the database refuses something of it, one after the other; and of the one, its events. */
async function save(
  client: Client,
  ledger: Ledger,
  batch: FreshBatch,
  upTo: Position,
  skipped: Set<string>,
): Promise<void> {
  if (!(await isTaken(client, () => batch.save(client)))) {
    for (const stream of batch.streams) {
      const recorded = await readRange(ledger, stream, 0);
      const arrivals = recorded.filter(({ position }) => ledger.isAtOrAfter(upTo, position)).map(arrivalOf);
      const alone = createFreshBatch(skipped);
      for (const arrival of arrivals) alone.take(arrival);
      alone.settle();
      if (!(await isTaken(client, () => alone.save(client)))) {
        await applyOneByOne(client, arrivals, createQuarantine([], skipped));
      }
    }
  }
}

async function isTaken(client: Client, write: () => Promise<void>): Promise<boolean> {
  await client.query('SAVEPOINT batch');
  try {
    await write();
    await client.query('RELEASE SAVEPOINT batch');
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT batch');
    return false;
  }
}
