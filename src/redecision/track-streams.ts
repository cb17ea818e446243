import { trackIdOfStream, trackStream } from '../domain/stream-names.ts';
import { type Ledger, type RecordedEvent, readCountMax, type StoredEvent } from '../ledger/ledger.ts';

/** The whole stream of a track; empty where there is none. */
export interface TrackStream {
  readonly trackId: string;
  readonly events: readonly (StoredEvent | RecordedEvent)[];
}

export interface TrackStreamsOptions {
  readonly ledger: Ledger;
  /** The ids of all tracks, page by page: used where the ledger does not hand out whole streams by itself. */
  readonly trackIds: () => AsyncIterable<readonly string[]>;
  /** Once it aborts nothing more comes. */
  readonly signal: AbortSignal;
}

const readsAtOnceMax = 16;

/** The streams of all tracks, some at a time, each once. */
export async function* trackStreams(options: TrackStreamsOptions): AsyncGenerator<readonly TrackStream[]> {
  const { ledger, signal, trackIds } = options;
  const upTo = await ledger.head();
  if (upTo === null) return;
  if (ledger.streams === undefined) {
    for await (const page of trackIds()) {
      for (let from = 0; from < page.length; from += readsAtOnceMax) {
        if (signal.aborted) return;
        const ids = page.slice(from, from + readsAtOnceMax);
        yield await Promise.all(ids.map((trackId) => readTrack(ledger, trackId)));
      }
    }
    return;
  }
  // The reading is given up by leaving it, which a signal would make an error of.
  const never = new AbortController().signal;
  for await (const events of ledger.streams({
    prefixes: ['track-'],
    upTo,
    afterStream: null,
    signal: never,
  })) {
    if (signal.aborted) return;
    yield byStream(events);
  }
}

function byStream(events: readonly StoredEvent[]): readonly TrackStream[] {
  const streams: TrackStream[] = [];
  for (let from = 0, to = 1; from < events.length; to += 1) {
    const stream = events[from]?.stream ?? '';
    if (events[to]?.stream === stream) continue;
    streams.push({ trackId: trackIdOfStream(stream) ?? '', events: events.slice(from, to) });
    from = to;
  }
  return streams;
}

/** @throws LedgerUnavailable */
export async function readTrack(ledger: Ledger, trackId: string): Promise<TrackStream> {
  const events: RecordedEvent[] = [];
  for (;;) {
    const from = events.length === 0 ? 0 : (events.at(-1)?.revision ?? 0) + 1;
    const part = await ledger.read(trackStream(trackId), { from, maxCount: readCountMax });
    events.push(...part);
    if (part.length < readCountMax) return { trackId, events };
  }
}
