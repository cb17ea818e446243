import { randomUUID } from 'node:crypto';
import streams, { type ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import type { Entry } from './database.ts';
import { ends, streamDeleted, tooSlow } from './errors.ts';
import { eventMessage, nameOf } from './messages.ts';
import type { ReadCall } from './reading.ts';
import type { State } from './server.ts';

/** Scanned events between two checkpoints, times the interval that the client asks for. */
const checkpointEvery = 32;

/**
 * Sends what is there, says that it has caught up, and sends what comes. It goes through the log with a cursor: what
 * a subscriber has not taken waits in the log. One that is live and does not take its events is thrown out.
 */
export function subscribe(state: State, call: ReadCall): void {
  const options = call.request.getOptions() ?? new streams.ReadReq.Options();
  const { log } = state.database;
  const wanted = wantedBy(options);
  const every = (options.getFilter()?.getCheckpointintervalmultiplier() ?? 0) * checkpointEvery;
  let cursor = startOf(options, log);
  let scanned = 0;
  let sent = 0;
  let live = false;
  let blocked = false;
  let ended = false;
  /** Matching events that came while the subscriber was live and took none. */
  let waiting = 0;

  const stopListening = state.database.onAppended(() => {
    if (live && blocked) {
      waiting = 0;
      for (let at = cursor; at < log.length; at++) if (wanted(log[at] as Entry)) waiting += 1;
    }
    if (waiting > state.faults.slowSubscriberMax) end(tooSlow());
    else pump();
  });
  call.on('close', stop);
  call.on('cancelled', stop);
  call.on('drain', () => {
    blocked = false;
    pump();
  });
  state.subscribers.add(end);

  const confirmation = new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId(randomUUID());
  call.write(new streams.ReadResp().setConfirmation(confirmation));
  pump();

  function pump(): void {
    while (!ended && !blocked && !state.frozen()) {
      const entry = log[cursor];
      if (entry === undefined) {
        if (!live && subscribesToWhatIs()) call.write(caughtUp());
        live = true;
        return;
      }
      const fault = wanted(entry) ? state.faults.subscription(sent) : null;
      if (fault !== null) {
        end(ends[fault]());
        return;
      }
      cursor += 1;
      scanned += 1;
      if (wanted(entry)) {
        sent += 1;
        blocked = !call.write(eventMessage(entry));
        const stream = options.getStream();
        if (stream !== undefined && entry.type === '$streamDeleted') {
          end(streamDeleted(nameOf(stream.getStreamIdentifier())));
          return;
        }
      }
      if (every > 0 && scanned % every === 0) call.write(checkpoint(entry));
    }
  }

  /** A stream that nobody wrote is never caught up with. */
  function subscribesToWhatIs(): boolean {
    const stream = options.getStream();
    return stream === undefined || state.database.stream(nameOf(stream.getStreamIdentifier())) !== undefined;
  }

  function end(error: Error | null): void {
    if (ended) return;
    stop();
    if (error === null) call.end();
    else call.emit('error', error);
  }

  function stop(): void {
    ended = true;
    stopListening();
    state.subscribers.delete(end);
  }
}

function wantedBy(options: ReadReq.Options): (entry: Entry) => boolean {
  const stream = options.getStream();
  if (stream !== undefined) {
    const name = nameOf(stream.getStreamIdentifier());
    const after = stream.hasRevision() ? BigInt(stream.getRevision()) : -1n;
    return (entry) => entry.stream === name && entry.revision > after;
  }
  const filter = options.getFilter();
  if (filter === undefined) return () => true;
  const byType = filter.getEventType();
  const expression = byType ?? filter.getStreamIdentifier();
  const prefixes = expression?.getPrefixList() ?? [];
  const regex = expression?.getRegex() ?? '';
  const fits = (text: string) =>
    prefixes.length > 0 ? prefixes.some((prefix) => text.startsWith(prefix)) : new RegExp(regex).test(text);
  return (entry) => fits(byType === undefined ? entry.stream : entry.type);
}

/** Starts are exclusive. */
function startOf(options: ReadReq.Options, log: readonly Entry[]): number {
  if (options.getStream()?.hasEnd() === true || options.getAll()?.hasEnd() === true) return log.length;
  const after = options.getAll()?.getPosition();
  if (after === undefined) return 0;
  const position = BigInt(after.getCommitPosition());
  let [low, high] = [0, log.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((log[middle] as Entry).position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

function caughtUp() {
  return new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp());
}

function checkpoint({ position }: Entry) {
  const at = new streams.ReadResp.Checkpoint()
    .setCommitPosition(String(position))
    .setPreparePosition(String(position));
  return new streams.ReadResp().setCheckpoint(at);
}
