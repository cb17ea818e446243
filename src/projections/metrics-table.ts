import { getTableColumns } from 'drizzle-orm';
import { trackIdOfStream } from '../domain/stream-names.ts';
import { type CountName, type Counts, incrementOf } from './metrics.ts';
import type { FreshRows, ReadModel } from './read-model.ts';
import { createRowWriter } from './row-writer.ts';
import { type MetricsRow, metrics } from './schema.ts';

const writer = createRowWriter<MetricsRow>(
  metrics,
  ['provider', 'hour'],
  (column) => `metrics.${column} + excluded.${column}`,
);

const none = Object.fromEntries(
  Object.keys(getTableColumns(metrics))
    .filter((key) => key !== 'provider' && key !== 'hour')
    .map((key) => [key, 0]),
) as Counts;

/** Calls and answers by provider and hour. Only what is added is kept in memory, so nothing has to be loaded. */
export const metricsModel: ReadModel = {
  name: 'metrics',
  follows: (stream) => trackIdOfStream(stream) !== null,
  load: async () => additions(),
  fresh: () => additions(),
};

function additions(): FreshRows {
  const hours = new Map<string, MetricsRow>();
  return {
    apply({ event }) {
      const increment = incrementOf(event);
      if (increment === null) return;
      const { provider, hour, counts } = increment;
      const key = `${provider} ${hour}`;
      const row: { -readonly [Key in keyof MetricsRow]: MetricsRow[Key] } = hours.get(key) ?? {
        ...none,
        provider,
        hour,
      };
      for (const name in counts) row[name as CountName] += counts[name as CountName] ?? 0;
      hours.set(key, row);
    },
    settle: () => undefined,
    async save(client) {
      await writer.upsert(client, [...hours.values()]);
      hours.clear();
    },
  };
}
