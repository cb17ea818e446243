import type { Client } from 'pg';
import { takeOrPark } from './apply-batch.ts';
import type { Arrival } from './arrival.ts';
import { createQuarantine } from './quarantine.ts';
import { readModels } from './read-models.ts';

/** Rows of whole streams, of which no table holds anything yet. */
export interface FreshBatch {
  /** How many events went into it. */
  readonly events: number;
  readonly streams: readonly string[];
  /** Events come stream by stream. */
  take(arrival: Arrival): void;
  /** The stream that came last is whole. */
  settle(): void;
  save(client: Client): Promise<void>;
}

/** @param skipped what operators had passed over */
export function createFreshBatch(skipped: Set<string>): FreshBatch {
  const parts = readModels.map((model) => ({ model, rows: model.fresh() }));
  const quarantine = createQuarantine([], skipped);
  const streams: string[] = [];
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
    get events() {
      return events;
    },
    streams,
    take(arrival) {
      if (arrival.stream !== stream) {
        settle();
        stream = arrival.stream;
        following = parts.filter(({ model }) => model.follows(arrival.stream));
      }
      events += 1;
      for (const { model, rows } of following) takeOrPark(model, rows, arrival, quarantine);
    },
    settle,
    async save(client) {
      for (const { rows } of parts) await rows.save(client);
      await quarantine.save(client);
    },
  };
}
