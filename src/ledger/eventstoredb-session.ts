import { setImmediate as turn } from 'node:timers/promises';
import type { EventStoreDBClient } from '@eventstore/db-client';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import services, { type StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams, { type ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import type { Connection } from './eventstoredb-connection.ts';
import { type ReadMessage, readMessage } from './eventstoredb-message.ts';
import { decodePosition, encodePosition } from './eventstoredb-position.ts';
import type { Position, SentEvent } from './ledger.ts';

/** Events that are held for a slow handler. The server ends a subscription whose reader stops; it is resumed. */
const bufferMax = 4096;
/** Where to resume is known at least every so many times 32 events that match nothing. */
const checkpointInterval = 16;
const confirmMsMax = 15_000;

/** What happened, in the order of the log. */
export type Arrival =
  | { readonly kind: 'event'; readonly event: SentEvent }
  | { readonly kind: 'checkpoint'; readonly position: Position }
  | { readonly kind: 'caught-up' };

/** One subscription to `$all`, as a bounded buffer. */
export interface Session {
  /** What arrived since, at most `max`; null once it ended and all of it was taken. */
  take(max: number): Promise<readonly Arrival[] | null>;
  close(): void;
}

/** What is used of the server's stream of messages. */
type Messages = ReturnType<StreamsClient['read']>;

export function openSession(
  connection: Connection,
  prefixes: readonly string[],
  after: Position | null,
  signal: AbortSignal,
): Session {
  const buffer: Arrival[] = [];
  let ended = false;
  let wake: () => void = () => undefined;
  let messages: Messages | null = null;

  const end = () => {
    ended = true;
    wake();
  };
  const take = (message: ReadMessage) => {
    const arrival = arrivalOf(message);
    if (arrival === null) return;
    buffer.push(arrival);
    wake();
    if (buffer.length >= bufferMax) messages?.pause();
  };
  const confirming = setTimeout(end, confirmMsMax);
  void subscribe(connection.client, requestOf(prefixes, after)).then((opened) => {
    messages = opened;
    opened
      .once('data', () => clearTimeout(confirming))
      .on('data', take)
      .on('error', end)
      .on('end', end)
      .on('close', end);
    if (ended) opened.cancel();
  }, end);
  signal.addEventListener('abort', end, { once: true });

  return {
    async take(max) {
      while (buffer.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        // What came together is taken together.
        await turn();
      }
      if (buffer.length === 0) return null;
      const arrivals = buffer.splice(0, max);
      if (messages?.isPaused() === true && buffer.length <= bufferMax / 2) messages.resume();
      return arrivals;
    },
    close() {
      clearTimeout(confirming);
      signal.removeEventListener('abort', end);
      end();
      messages?.cancel();
      // Leaving the loop alone would leave the server's call open.
      connection.close();
    },
  };
}

function arrivalOf(message: ReadMessage): Arrival | null {
  if ('bytes' in message) return { kind: 'event', event: message };
  if (message.hasCaughtUp()) return { kind: 'caught-up' };
  const checkpoint = message.getCheckpoint();
  if (checkpoint === undefined) return null;
  const [commit, prepare] = [checkpoint.getCommitPosition(), checkpoint.getPreparePosition()];
  return { kind: 'checkpoint', position: encodePosition({ commit, prepare }) };
}

/** The client's own way of opening a stream of messages, with messages read by `readMessage`. */
function subscribe(client: EventStoreDBClient, request: ReadReq): Promise<Messages> {
  // biome-ignore-start lint/complexity/useLiteralKeys: they are protected, and only this way of writing reaches them
  const [metadata, options] = client['callArguments']({}, { deadline: Number.POSITIVE_INFINITY });
  const { path, requestSerialize } = services.StreamsService.read;
  return client['GRPCStreamCreator'](services.StreamsClient, 'subscribeToAll', (stub) =>
    stub.makeServerStreamRequest(path, requestSerialize, readMessage, request, metadata, options),
  )() as unknown as Promise<Messages>;
  // biome-ignore-end lint/complexity/useLiteralKeys: see above
}

function requestOf(prefixes: readonly string[], after: Position | null): ReadReq {
  const from = new streams.ReadReq.Options.AllOptions();
  if (after === null) from.setStart(new shared.Empty());
  else {
    const { commit, prepare } = decodePosition(after);
    const position = new streams.ReadReq.Options.Position();
    position.setCommitPosition(commit.toString());
    position.setPreparePosition(prepare.toString());
    from.setPosition(position);
  }
  const names = new streams.ReadReq.Options.FilterOptions.Expression();
  names.setPrefixList([...prefixes]);
  const filter = new streams.ReadReq.Options.FilterOptions();
  filter.setStreamIdentifier(names);
  filter.setCount(new shared.Empty());
  filter.setCheckpointintervalmultiplier(checkpointInterval);
  const ids = new streams.ReadReq.Options.UUIDOption();
  ids.setString(new shared.Empty());
  const options = new streams.ReadReq.Options();
  options.setAll(from);
  options.setFilter(filter);
  options.setUuidOption(ids);
  options.setSubscription(new streams.ReadReq.Options.SubscriptionOptions());
  const request = new streams.ReadReq();
  request.setOptions(options);
  return request;
}
