import type { Client } from 'pg';
import type { PageMemory, Position, SentEvent } from '../ledger/ledger.ts';
import { mapInThreads } from '../threads/ordered-map.ts';
import { createPageMemory } from '../threads/page-memory.ts';
import { threadModule } from '../threads/thread.ts';
import { batchesBetween, type Following } from './catch-up.ts';
import type { Filling } from './checkpoint.ts';
import type { Follower } from './follower.ts';
import { createSentPages, createStager, type SentPage } from './stage-page.ts';
import { countStaged, createStaging, emptyStaging, writeStaged } from './staging.ts';

export interface StageOptions {
  readonly client: Client;
  readonly ledger: Following<SentEvent>;
  readonly follower: Follower;
  readonly signal: AbortSignal;
  /** Bytes of events that are written in one transaction, about. */
  readonly pageBytesMin: number;
  readonly onProgress: (events: number) => void;
}

/** Puts every event that read models follow into the staging table, one page being written while the next are read. */
export async function stage(options: StageOptions, begun: Filling): Promise<Filling> {
  const { client, follower, signal, onProgress } = options;
  let filling = begun;
  if (filling.staged === undefined) {
    throw new Error(
      'An earlier version of this program began to fill these tables: begin anew with --from-scratch.',
    );
  }
  await createStaging(client);
  let { staged } = filling;
  if ((await countStaged(client)) !== staged) {
    staged = 0;
    filling = { ...filling, staged };
    await follower.move({ position: null, filling }, () => emptyStaging(client));
  }
  let writing: Promise<void> = Promise.resolve();
  const memory = createPageMemory();
  /** What is reached with each page that is under way. */
  const reached: Position[] = [];
  for await (const { events, rows } of mapInThreads(pagesOf(options, filling.upTo, memory, reached), {
    make: createStager,
    setting: null,
    module: threadModule('stage-thread', import.meta.url),
    done: memory.give,
    // Reading is what takes longest.
    threadsMax: 1,
  })) {
    await writing;
    staged += events;
    filling = { ...filling, staged };
    const to = { position: reached.shift() ?? null, filling };
    writing = follower.move(to, () => writeStaged(client, rows));
    // It is awaited before the next one.
    writing.catch(() => undefined);
    onProgress(staged);
  }
  signal.throwIfAborted();
  await writing;
  return filling;
}

/** What comes after the checkpoint, as it was sent. */
async function* pagesOf(
  { ledger, follower, signal, pageBytesMin }: StageOptions,
  upTo: Position,
  memory: PageMemory,
  reached: Position[],
): AsyncGenerator<SentPage> {
  const { position: after } = follower.checkpoint;
  const pages = createSentPages(memory, pageBytesMin);
  let last = after;
  for await (const { events, position } of batchesBetween(ledger, { after, upTo, signal })) {
    for (const event of newOf(events, last, ledger)) pages.add(event);
    last = position;
    if (pages.bytes < pageBytesMin && position !== upTo) continue;
    reached.push(position);
    yield pages.take();
  }
}

/** Without what was delivered before. */
function newOf(
  events: readonly SentEvent[],
  after: Position | null,
  { isAtOrAfter }: Following<SentEvent>,
): readonly SentEvent[] {
  const [first] = events;
  // They are in the order of the ledger.
  if (after === null || first === undefined || !isAtOrAfter(after, first.position)) return events;
  return events.filter(({ position }) => !isAtOrAfter(after, position));
}
