import type { Client, Submittable } from 'pg';
import type { PageMemory, StreamsPage } from './ledger.ts';
import { createPages } from './streams-page.ts';

/** Pages that wait to be taken; then the server waits. */
const readyMax = 2;

/** As much of a connection of `pg` as is used. */
interface Connection {
  query(text: string): void;
  readonly stream: { pause(): unknown; resume(): unknown };
}

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

  const copying: Submittable & Record<string, unknown> = {
    submit(opened: unknown) {
      connection = opened as Connection;
      connection.query(`COPY (${select}) TO STDOUT (FORMAT binary)`);
    },
    handleCopyData({ chunk }: { readonly chunk: Buffer }) {
      pages.add(chunk);
      if (ready.length === 0) return;
      wake();
      if (ready.length < readyMax || isPaused) return;
      connection?.stream.pause();
      isPaused = true;
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
