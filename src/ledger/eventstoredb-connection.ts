import { setMaxListeners } from 'node:events';
import type { Duplex, Readable, Writable } from 'node:stream';
import { EventStoreDBClient } from '@eventstore/db-client';
import { messageOf } from './eventstoredb-errors.ts';
import { LedgerUnavailable } from './ledger.ts';

/** A client, with what it lacks: an end of all that it began. */
export interface Connection {
  readonly client: EventStoreDBClient;
  /** Aborted by `close`. */
  readonly closed: AbortSignal;
  /** Ends its calls and lets its socket go. Afterwards it begins none: whoever waits to begin one is turned away. */
  close(): void;
}

/**
 * Before its first append the client asks what the server can do, without a deadline; an append that waits for that is
 * sent whenever the answer comes, also after `dispose`. The hooks that prevent it reach inside of the client: its version
 * is pinned, and no later one will come.
 *
 * @param callMsMax for calls that the client itself would wait for until the end of days, in milliseconds
 * @throws LedgerUnavailable where the address cannot be one of EventStoreDB
 */
export function connect(url: string, callMsMax: number): Connection {
  const client = clientOf(url);
  const closing = new AbortController();
  const closed = closing.signal;
  // Every read that waits listens to it.
  setMaxListeners(0, closed);
  let channel: { close(): void } | null = null;

  /** An interceptor of gRPC: it stands before every call. */
  function begin<Options extends { deadline?: Date | number }, Call>(
    options: Options,
    next: (options: Options) => Call,
  ): Call {
    if (closed.aborted) throw new Error('This connection was given up.');
    return next({ ...options, deadline: options.deadline ?? Date.now() + callMsMax });
  }

  // biome-ignore-start lint/complexity/useLiteralKeys: they are protected, and only this way of writing reaches them
  client['createGRPCClient'] = async (Stub: new (...args: [null, null, object]) => unknown) => {
    const channelOverride = await client['getChannel']();
    channel = channelOverride;
    if (closed.aborted) channel.close();
    return new Stub(null, null, { channelOverride, interceptors: [begin] });
  };
  const creatorOf = client['GRPCStreamCreator'];
  client['GRPCStreamCreator'] = (Stub, name, create, cache) =>
    creatorOf(
      Stub,
      name,
      name === 'appendToStream' ? async (stub) => forgiving(await create(stub)) : create,
      cache,
    );
  // biome-ignore-end lint/complexity/useLiteralKeys: see above

  return {
    client,
    closed,
    close() {
      if (closed.aborted) return;
      closing.abort();
      void client.dispose();
      channel?.close();
    },
  };
}

function clientOf(url: string): EventStoreDBClient {
  try {
    return EventStoreDBClient.connectionString(url);
  } catch (cause) {
    throw new LedgerUnavailable(
      `LEDGER_URL is no address of EventStoreDB (${messageOf(cause)}): it looks like esdb://HOST:2113?tls=false.`,
      { cause },
    );
  }
}

/**
 * An error of any stream of appends, of any client of the process, makes the client forget everybody who waits for an
 * answer. One that comes nevertheless is to nobody; the client would throw, and the process would end.
 */
function forgiving<Stream extends Readable | Writable | Duplex>(stream: Stream): Stream {
  for (const take of stream.listeners('data')) {
    stream.off('data', take as () => void).on('data', (answer: unknown) => {
      try {
        take.call(stream, answer);
      } catch {
        // Whoever waits for it, if anybody does, repeats the append when his time is up.
      }
    });
  }
  return stream;
}
