import type { Client } from 'pg';
import type { Erased } from '../domain/events.ts';
import {
  addTo,
  type CountedEvent,
  type CountName,
  checkCounted,
  countNames,
  type HourCounts,
  hourOf,
  noCounts,
} from '../domain/provider-counts.ts';
import { trackIdOfStream } from '../domain/stream-names.ts';
import type { Changes, FreshRows, ReadModel, StreamEvent } from './read-model.ts';
import { createRowWriter } from './row-writer.ts';
import { type MetricsRow, metrics } from './schema.ts';
import { integerOf, keyOf, timeOf } from './storable.ts';

const writer = createRowWriter<MetricsRow>(
  metrics,
  ['provider', 'hour'],
  (column) => `metrics.${column} + excluded.${column}`,
);

/**
 * Calls and answers by provider and hour. Only what is added is kept in memory, so nothing has to be loaded. The calls of
 * an erased track were made all the same: who has seen its events has counted them, who finds them cut away adds the
 * counts that `Erased` carries.
 */
export const metricsModel: ReadModel = {
  name: 'metrics',
  follows: (stream) => trackIdOfStream(stream) !== null,
  load: async () => changesFrom(),
  fresh: freshRows,
  async saveFresh(client, rows) {
    const sums = additions();
    for (const some of rows) {
      for (const row of JSON.parse(Buffer.from(some).toString()) as MetricsRow[]) sums.addRow(row);
    }
    // Few rows, which are added to those that are there.
    await writer.upsert(client, sums.take());
  },
};

function additions() {
  let hours = new Map<string, MetricsRow>();
  /** The same rows, by the provider and the hour as they were told. */
  let known = new Map<string, Map<string, MetricsRow>>();

  function rowOf(toldProvider: string, toldHour: string): MetricsRow {
    const ofProvider = known.get(toldProvider) ?? new Map<string, MetricsRow>();
    const found = ofProvider.get(toldHour);
    if (found !== undefined) return found;
    const [provider, hour] = [keyOf('provider', toldProvider), timeOf('hour', toldHour)];
    const key = `${provider} ${hour}`;
    const row = hours.get(key) ?? { provider, hour, ...noCounts() };
    hours.set(key, row);
    known.set(toldProvider, ofProvider.set(toldHour, row));
    return row;
  }

  return {
    addRow({ provider, hour, ...counts }: MetricsRow) {
      const row = rowOf(provider, hour);
      for (const name of countNames) row[name] += counts[name];
    },
    add({ provider, hour, counts }: HourCounts) {
      const row = rowOf(provider, hour);
      for (const name in counts) row[name as CountName] += counts[name as CountName] ?? 0;
    },
    /** @throws RangeError; then nothing was added */
    count(event: CountedEvent) {
      checkCounted(event);
      addTo(rowOf(event.data.provider, hourOf(event)), event);
    },
    take(): readonly MetricsRow[] {
      const rows = [...hours.values()];
      hours = new Map();
      known = new Map();
      return rows;
    },
  };
}

function countEvent(sums: ReturnType<typeof additions>, { event }: StreamEvent): void {
  if (event.type === 'CacheHit' || event.type === 'ApiCalled') sums.count(event);
}

/** The counts of an `Erased`, looked at before any of them is added. */
function carriedBy({ counts = [] }: Erased['data']): readonly HourCounts[] {
  for (const { counts: own } of counts)
    for (const name of countNames) integerOf(name, own[name] ?? 0, Number.MAX_SAFE_INTEGER);
  return counts;
}

function changesFrom(): Changes {
  const sums = additions();
  const seen = new Set<string>();
  const cut = new Map<string, readonly HourCounts[]>();
  return {
    apply(at) {
      const { stream, event } = at;
      if (event.type === 'Erased') {
        if (!seen.has(stream)) cut.set(stream, carriedBy(event.data));
      } else countEvent(sums, at);
      seen.add(stream);
    },
    async save(client) {
      if (cut.size > 0) {
        const known = await seenBefore(client, [...cut.keys()]);
        for (const [stream, counts] of cut) if (!known.has(stream)) for (const one of counts) sums.add(one);
      }
      await writer.upsert(client, sums.take());
    },
  };
}

/** Streams that left a row in other read models, which are written after this one. */
async function seenBefore(client: Client, streams: readonly string[]): Promise<Set<string>> {
  const { rows } = await client.query<{ stream: string }>(
    `SELECT 'track-' || track_id AS stream FROM tracks WHERE track_id = ANY($1)
     UNION SELECT stream FROM tasks WHERE stream = ANY($2)
     UNION SELECT stream FROM projection_quarantine WHERE stream = ANY($2)`,
    [streams.map((stream) => trackIdOfStream(stream)), streams],
  );
  return new Set(rows.map(({ stream }) => stream));
}

function freshRows(): FreshRows {
  const sums = additions();
  let isSeen = false;
  return {
    apply(at) {
      if (at.event.type !== 'Erased') countEvent(sums, at);
      else if (!isSeen) for (const one of carriedBy(at.event.data)) sums.add(one);
      isSeen = true;
    },
    settle() {
      isSeen = false;
    },
    take: () => new Uint8Array(Buffer.from(JSON.stringify(sums.take()))),
  };
}
