import type { Client } from 'pg';
import { mapInThreads } from '../threads/ordered-map.ts';
import { createPageMemory } from '../threads/page-memory.ts';
import { threadModule } from '../threads/thread.ts';
import { applyOneByOne, isRefusal } from './apply-batch.ts';
import type { Filling } from './checkpoint.ts';
import { createPageFolder, createStreamFolder, type FoldedStreams } from './fold-streams.ts';
import type { Follower } from './follower.ts';
import { createQuarantine, loadSkipped, saveParked } from './quarantine.ts';
import { readModels } from './read-models.ts';
import type { StreamSource } from './stream-source.ts';

export interface FillStreamsOptions {
  readonly client: Client;
  readonly source: StreamSource;
  readonly follower: Follower;
  readonly filling: Filling;
  readonly signal: AbortSignal;
  readonly onProgress: (events: number) => void;
}

/** Folds whole streams, many at once, and copies their rows. One transaction is written while the next are folded. */
export async function fillByStream(options: FillStreamsOptions): Promise<number> {
  const { client, source, follower, signal, onProgress } = options;
  const { position } = follower.checkpoint;
  const skipped = await loadSkipped(client);
  const memory = createPageMemory();
  let { filling } = options;
  let writing: Promise<void> = Promise.resolve();

  for await (const folded of mapInThreads(source.pages(filling.afterStream, memory, signal), {
    done: memory.give,
    make: createPageFolder,
    setting: skipped,
    module: threadModule('fold-thread', import.meta.url),
  })) {
    await writing;
    const events = filling.events + folded.events;
    filling = { ...filling, afterStream: folded.streams.at(-1) ?? filling.afterStream, events };
    writing = follower.move({ position, filling }, () => save(client, source, folded, skipped));
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
  source: StreamSource,
  folded: FoldedStreams,
  skipped: Set<string>,
): Promise<void> {
  if (await isTaken(client, folded)) return;
  for await (const arrivals of source.again(folded.streams)) {
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
