import type { Client } from 'pg';
import { streamPrefixes } from '../domain/stream-names.ts';
import type { Ledger, Position } from '../ledger/ledger.ts';
import { readRange } from '../ledger/read-range.ts';
import { mapInThreads } from '../threads/ordered-map.ts';
import { threadModule } from '../threads/thread.ts';
import { applyOneByOne, isRefusal } from './apply-batch.ts';
import { arrivalOf } from './arrival.ts';
import type { Filling } from './checkpoint.ts';
import { createPageFolder, createStreamFolder, type FoldedStreams } from './fold-streams.ts';
import type { Follower } from './follower.ts';
import { createQuarantine, loadSkipped, saveParked } from './quarantine.ts';
import { readModels } from './read-models.ts';

export interface FillStreamsOptions {
  readonly client: Client;
  readonly ledger: Ledger;
  readonly follower: Follower;
  readonly filling: Filling;
  readonly signal: AbortSignal;
  readonly onProgress: (events: number) => void;
}

/** Folds whole streams, many at once, and copies their rows. One transaction is written while the next are folded. */
export async function fillByStream(options: FillStreamsOptions): Promise<number> {
  const { client, ledger, follower, signal, onProgress } = options;
  if (ledger.streams === undefined) throw new Error('This ledger does not hand out streams.');
  const skipped = await loadSkipped(client);
  let { filling } = options;
  let writing: Promise<void> = Promise.resolve();

  const { upTo, afterStream } = filling;
  const pages = ledger.streams({ prefixes: streamPrefixes, upTo, afterStream, signal });
  for await (const folded of mapInThreads(pages, {
    make: createPageFolder,
    setting: skipped,
    module: threadModule('fold-thread', import.meta.url),
  })) {
    await writing;
    const events = filling.events + folded.events;
    filling = { ...filling, afterStream: folded.streams.at(-1) ?? filling.afterStream, events };
    writing = follower.move({ position: null, filling }, () => save(client, ledger, folded, upTo, skipped));
    // It is awaited before the next one.
    writing.catch(() => undefined);
    onProgress(events);
  }
  signal.throwIfAborted();
  await writing;
  return filling.events;
}

/** All streams at once; where the database refuses something of it, one after the other; and of the one, its events. */
async function save(
  client: Client,
  ledger: Ledger,
  folded: FoldedStreams,
  upTo: Position,
  skipped: Set<string>,
): Promise<void> {
  if (await isTaken(client, folded)) return;
  for (const stream of folded.streams) {
    const recorded = await readRange(ledger, stream);
    const arrivals = recorded.filter(({ position }) => ledger.isAtOrAfter(upTo, position)).map(arrivalOf);
    const folder = createStreamFolder(skipped);
    for (const arrival of arrivals) folder.take(arrival);
    if (!(await isTaken(client, folder.folded()))) {
      await applyOneByOne(client, arrivals, createQuarantine([], skipped));
    }
  }
}

async function isTaken(client: Client, { rows, parked }: FoldedStreams): Promise<boolean> {
  await client.query('SAVEPOINT batch');
  try {
    for (const [n, model] of readModels.entries()) {
      const own = rows[n];
      if (own !== undefined) await model.saveFresh(client, own);
    }
    for (const row of parked) await saveParked(client, row, true);
    await client.query('RELEASE SAVEPOINT batch');
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT batch');
    return false;
  }
}
