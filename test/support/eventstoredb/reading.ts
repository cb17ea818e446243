import streams, { type ReadReq, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Database, Entry } from './database.ts';
import { refused, streamDeleted } from './errors.ts';
import { eventMessage, identifierOf, nameOf } from './messages.ts';
import type { State } from './server.ts';
import { subscribe } from './subscribing.ts';

export type ReadCall = ServerWritableStream<ReadReq, ReadResp>;

/** One call reads and subscribes. */
export function read(state: State): (call: ReadCall) => void {
  return (call) => {
    const done = state.opened(call);
    call.on('close', done);
    call.on('cancelled', done);
    void state.awake().then(() => {
      if (call.request.getOptions()?.hasSubscription() === true) subscribe(state, call);
      else void answer(state.database, call);
    });
  };
}

async function answer(database: Database, call: ReadCall): Promise<void> {
  const options = call.request.getOptions() ?? new streams.ReadReq.Options();
  const count = Number(options.getCount());
  const forwards = options.getReadDirection() === streams.ReadReq.Options.ReadDirection.FORWARDS;
  if (count === 0) return fail(call, refused('Nothing was asked for: the count is 0.'));
  const entries = options.hasStream() ? ofStream() : ofAll();
  let goOn: () => void = () => undefined;
  call.on('drain', () => goOn()).on('cancelled', () => goOn());
  for (const entry of entries.slice(0, count)) {
    if (call.cancelled) return;
    // A client that reads slowly holds the server back, not the memory.
    if (!call.write(eventMessage(entry))) {
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
    }
  }
  call.end();

  function ofStream(): readonly Entry[] {
    const from = options.getStream() ?? new streams.ReadReq.Options.StreamOptions();
    const name = nameOf(from.getStreamIdentifier());
    const stream = database.stream(name);
    if (name === '') return failed(refused('The stream has no name.'));
    if (forwards && from.hasEnd()) return failed(refused('There is nothing forwards of the end.'));
    if (stream?.deleted === true) return failed(streamDeleted(name));
    if (stream === undefined || stream.softDeleted) {
      const missing = new streams.ReadResp.StreamNotFound().setStreamIdentifier(identifierOf(name));
      call.write(new streams.ReadResp().setStreamNotFound(missing));
      return [];
    }
    const visible = stream.visible();
    if (forwards) {
      return from.hasStart() ? visible : visible.filter(({ revision }) => revision >= revisionOf(from));
    }
    const backwards = visible.toReversed();
    if (from.hasEnd()) return backwards;
    return backwards.filter(({ revision }) => revision <= (from.hasStart() ? 0n : revisionOf(from)));
  }

  function ofAll(): readonly Entry[] {
    const from = options.getAll() ?? new streams.ReadReq.Options.AllOptions();
    const { log } = database;
    const at = BigInt(from.getPosition()?.getCommitPosition() ?? 0);
    if (forwards) {
      if (from.hasEnd()) return [];
      return from.hasStart() ? log : log.filter(({ position }) => position >= at);
    }
    if (from.hasStart()) return [];
    if (from.hasEnd()) return count < log.length ? log.slice(-count).toReversed() : log.toReversed();
    return log.filter(({ position }) => position < at).toReversed();
  }

  function failed(error: Error): readonly Entry[] {
    fail(call, error);
    return [];
  }
}

function revisionOf(from: ReadReq.Options.StreamOptions): bigint {
  return BigInt(from.getRevision());
}

function fail(call: ReadCall, error: Error): void {
  call.emit('error', error);
}
