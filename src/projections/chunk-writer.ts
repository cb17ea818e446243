import type { Position, RecordedEvent, StoredEventAt } from '../ledger/ledger.ts';
import { threadModule } from '../threads/thread.ts';
import { openThreads, type Threads } from '../threads/threads.ts';
import type { Filling } from './checkpoint.ts';
import { connect } from './database.ts';
import { type Follower, openFollower } from './follower.ts';

/** What comes next in the global order, and where the tables stand with it. */
export interface Chunk {
  readonly events: readonly (RecordedEvent | StoredEventAt)[];
  readonly to: Position;
  readonly filling: Filling;
}

export interface WriterPlace {
  readonly url: string;
  readonly schema: string;
}

/** Brings chunk after chunk into the tables. */
export interface ChunkWriter {
  write(chunk: Chunk): Promise<void>;
  close(): Promise<void>;
}

/** To start a thread takes as long as so many events do, so the first ones are written here. */
const eventsHereMax = 20_000;
/** A statement of a fill may take this long. */
const statementMsMax = 3_600_000;

/** Writes in a thread of its own, as soon as that pays: to read a ledger keeps this one busy. */
export function createChunkWriter(here: Follower, place: WriterPlace): ChunkWriter {
  let events = 0;
  let thread: Threads<Chunk, void> | null = null;
  return {
    async write(chunk) {
      events += chunk.events.length;
      if (events <= eventsHereMax) {
        await here.advance(chunk.events, chunk.to, chunk.filling);
        return;
      }
      thread ??= openThreads<Chunk, void>(threadModule('chunk-thread', import.meta.url), place, 1);
      await thread.run(chunk);
    },
    close: async () => thread?.close(),
  };
}

/** What the thread does. Whoever sends the chunks leaves out what was delivered before. */
export function writeInThread({ url, schema }: WriterPlace): (chunk: Chunk) => Promise<void> {
  let follower: Follower | null = null;
  return async ({ events, to, filling }) => {
    follower ??= await openOwn(url, schema);
    await follower.advance(events, to, filling);
  };
}

async function openOwn(url: string, schema: string): Promise<Follower> {
  const client = await connect(url, schema, statementMsMax);
  await client.query('SET synchronous_commit = off');
  return openFollower(client, { isAtOrAfter: () => false });
}
