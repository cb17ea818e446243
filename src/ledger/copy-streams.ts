import type { Duplex } from 'node:stream';
import type { Client, Submittable } from 'pg';
import { createCopiedRows } from './copied-rows.ts';
import type { PageMemory, StreamsPage } from './ledger.ts';
import { createPages } from './streams-page.ts';

/** Pages that wait to be taken; then the server waits. */
const readyMax = 2;

/** As much of a connection of `pg` as is used. */
interface Connection {
  query(text: string): void;
  readonly stream: Duplex;
}

type Reader = (chunk: Buffer) => void;

/**
 * What a statement selects, as pages of whole streams.
 *
 * @param select stream, revision, id, type, data and metadata, texts but for the revision, in the order of stream and revision
 */
export async function* copyStreams(
  client: Client,
  select: string,
  memory: PageMemory,
  signal: AbortSignal,
): AsyncGenerator<StreamsPage> {
  signal.throwIfAborted();
  const ready: StreamsPage[] = [];
  let [isWhole, isPaused] = [false, false];
  let failure: { readonly error: unknown } | null = null;
  let wake: () => void = () => undefined;
  let connection: Connection | null = null;
  const pages = createPages(memory, (page) => ready.push(page));
  const fail = (error: unknown) => {
    failure ??= { error };
    wake();
  };

  /** Reads beside the reader of `pg`, which sees all but the rows. */
  function readRows({ stream }: Connection): void {
    const [reader, another] = stream.listeners('data') as Reader[];
    if (reader === undefined || another !== undefined)
      throw new Error('A connection of pg is read by one reader: this version has others.');
    const rows = createCopiedRows(pages.add, reader);
    const read: Reader = (chunk) => {
      rows.take(chunk);
      if (isWhole) {
        stream.off('data', read).on('data', reader);
        reader(rows.rest());
      }
      if (ready.length === 0) return;
      wake();
      if (ready.length < readyMax || isPaused || isWhole) return;
      stream.pause();
      isPaused = true;
    };
    stream.off('data', reader).on('data', read);
  }

  const copying: Submittable & Record<string, unknown> = {
    submit(opened: unknown) {
      connection = opened as Connection;
      readRows(connection);
      connection.query(`COPY (${select}) TO STDOUT (FORMAT binary)`);
    },
    handleCommandComplete: () => undefined,
    handleReadyForQuery() {
      pages.finish();
      isWhole = true;
      wake();
    },
    handleError: fail,
  };
  const stop = () => fail(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    client.query(copying);
    for (;;) {
      while (ready.length === 0 && !isWhole && failure === null) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (failure !== null) throw (failure as { readonly error: unknown }).error;
      const page = ready.shift();
      if (page === undefined) return;
      if (isPaused && ready.length < readyMax) {
        isPaused = false;
        (connection as Connection | null)?.stream.resume();
      }
      yield page;
    }
  } finally {
    // Else a server that has said why it ends would not be heard out, and the connection never be over.
    if (isPaused) (connection as Connection | null)?.stream.resume();
    signal.removeEventListener('abort', stop);
  }
}
