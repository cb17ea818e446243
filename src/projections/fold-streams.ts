import type { StreamsPage } from '../ledger/ledger.ts';
import { eventsOf } from '../ledger/streams-page.ts';
import { takeOrPark } from './apply-batch.ts';
import { type Arrival, storedArrivalOf } from './arrival.ts';
import { createQuarantine, type Parked } from './quarantine.ts';
import type { FreshBytes } from './read-model.ts';
import { readModels } from './read-models.ts';

/** What whole streams come to in all read models. It can go from thread to thread. */
export interface FoldedStreams {
  readonly events: number;
  /** Their names, in their order. */
  readonly streams: readonly string[];
  /** Read model by read model, in the order of `readModels`. */
  readonly rows: readonly FreshBytes[];
  readonly parked: readonly Parked[];
}

/** Folds whole streams, of which no table holds anything yet. */
export interface StreamFolder {
  /** Events come stream by stream. */
  take(arrival: Arrival): void;
  /** What was taken since, the last stream being whole. */
  folded(): FoldedStreams;
}

/** @param skipped what operators had passed over */
export function createStreamFolder(skipped: ReadonlySet<string>): StreamFolder {
  const parts = readModels.map((model) => ({ model, rows: model.fresh() }));
  const anySkipped = new Set(skipped);
  let quarantine = createQuarantine([], anySkipped);
  let streams: string[] = [];
  let stream: string | null = null;
  let following = parts;
  let events = 0;

  function settle(): void {
    if (stream === null) return;
    for (const { rows } of following) rows.settle(stream);
    streams.push(stream);
    stream = null;
  }

  return {
    take(arrival) {
      if (arrival.stream !== stream) {
        settle();
        stream = arrival.stream;
        following = parts.filter(({ model }) => model.follows(arrival.stream));
      }
      events += 1;
      for (const { model, rows } of following) takeOrPark(model, rows, arrival, quarantine);
    },
    folded() {
      settle();
      const result = {
        events,
        streams,
        rows: parts.map(({ rows }) => rows.take()),
        parked: [...quarantine.parked],
      };
      quarantine = createQuarantine([], anySkipped);
      streams = [];
      events = 0;
      return result;
    },
  };
}

/** Folds page after page. */
export function createPageFolder(skipped: ReadonlySet<string>): (page: StreamsPage) => FoldedStreams {
  const folder = createStreamFolder(skipped);
  return (page) => {
    for (const events of eventsOf(page)) for (const stored of events) folder.take(storedArrivalOf(stored));
    return folder.folded();
  };
}
