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
  readonly pagesPerTransaction: number;
  readonly signal: AbortSignal;
  /** Told of what is folded, some of which is yet to be written. */
  readonly onProgress: (events: number) => void;
}

/** Folds whole streams, many at once, and copies their rows. One transaction is written while the next are folded. */
export async function fillByStream(options: FillStreamsOptions): Promise<number> {
  const { client, source, follower, pagesPerTransaction, signal, onProgress } = options;
  const { position } = follower.checkpoint;
  const skipped = await loadSkipped(client);
  const memory = createPageMemory();
  let { filling } = options;
  let pages: FoldedStreams[] = [];
  let writing: Promise<void> = Promise.resolve();

  function write(): void {
    const folded = pages;
    pages = [];
    writing = follower.move({ position, filling }, () => save(client, source, folded, skipped));
    // It is awaited before the next one.
    writing.catch(() => undefined);
  }

  for await (const folded of mapInThreads(source.pages(filling.afterStream, memory, signal), {
    done: memory.give,
    make: createPageFolder,
    setting: skipped,
    module: threadModule('fold-thread', import.meta.url),
  })) {
    const afterStream = folded.streams.at(-1) ?? filling.afterStream;
    pages.push(folded);
    filling = { ...filling, afterStream, events: filling.events + folded.events };
    onProgress(filling.events);
    if (pages.length < pagesPerTransaction) continue;
    await writing;
    write();
  }
  signal.throwIfAborted();
  await writing;
  if (pages.length > 0) write();
  await writing;
  return filling.events;
}

/** All pages at once; where the database refuses something of them, one after the other; of the one, stream by stream. */
async function save(
  client: Client,
  source: StreamSource,
  pages: readonly FoldedStreams[],
  skipped: Set<string>,
): Promise<void> {
  if (await isTaken(client, pages)) return;
  if (pages.length > 1) for (const page of pages) await save(client, source, [page], skipped);
  else for (const { streams } of pages) await saveByStream(client, source, streams, skipped);
}

/** Where the database refuses something of a stream, event by event. */
async function saveByStream(
  client: Client,
  source: StreamSource,
  streams: readonly string[],
  skipped: Set<string>,
): Promise<void> {
  for await (const arrivals of source.again(streams)) {
    const folder = createStreamFolder(skipped);
    for (const arrival of arrivals) folder.take(arrival);
    if (!(await isTaken(client, [folder.folded()]))) {
      await applyOneByOne(client, arrivals, createQuarantine([], skipped));
    }
  }
}

async function isTaken(client: Client, pages: readonly FoldedStreams[]): Promise<boolean> {
  await client.query('SAVEPOINT batch');
  try {
    for (const [n, model] of readModels.entries()) {
      await model.saveFresh(
        client,
        pages.flatMap(({ rows }) => rows[n] ?? []),
      );
    }
    for (const row of pages.flatMap(({ parked }) => parked)) await saveParked(client, row, true);
    await client.query('RELEASE SAVEPOINT batch');
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT batch');
    return false;
  }
}
