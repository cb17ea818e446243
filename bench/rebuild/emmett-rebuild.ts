/** Emmett's own rebuild of a projection that holds what `tracks` holds, in a process of its own, on a database of its own. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TrackEvent } from '../../src/domain/events.ts';
import { trackIdOfStream } from '../../src/domain/stream-names.ts';
import { skimEvent } from '../../src/ledger/skim.ts';
import type { TrackRow } from '../../src/projections/schema.ts';
import { applyToTrack } from '../../src/projections/tracks.ts';
import { ownMs, root } from './processes.ts';
import { rounds, storyOf } from './story.ts';

/** As much of Emmett as is used here: it lives in a folder of its own, which a checkout need not have. */
interface Emmett {
  getPostgreSQLEventStore(url: string): {
    readonly schema: { migrate(): Promise<unknown> };
    appendToStream(stream: string, events: readonly unknown[]): Promise<unknown>;
    close(): Promise<void>;
  };
  pongoSingleStreamProjection(options: {
    readonly collectionName: string;
    readonly canHandle: readonly string[];
    readonly evolve: (row: TrackRow | null, event: EmmettEvent) => TrackRow | null;
  }): unknown;
  rebuildPostgreSQLProjections(options: {
    readonly connectionString: string;
    readonly projections: readonly unknown[];
  }): { start(): Promise<void>; close(): Promise<void> };
}

interface EmmettEvent extends Pick<TrackEvent, 'type' | 'data'> {
  readonly metadata: TrackEvent['meta'] & {
    readonly messageId: string;
    readonly streamName: string;
    readonly streamPosition: bigint;
  };
}

const { BENCH_URL: url = '', BENCH_TRACKS } = process.env;
const emmett = createRequire(join(root, 'bench/peers-rebuild/package.json'))(
  '@event-driven-io/emmett-postgresql',
) as Emmett;

const store = emmett.getPostgreSQLEventStore(url);
await store.schema.migrate();
let events = 0;
for (let round = 0; round < rounds; round++) {
  for (let n = 0; n < Number(BENCH_TRACKS); n++) {
    for (const append of storyOf(n).filter((one) => one.round === round)) {
      events += append.events.length;
      await store.appendToStream(
        append.stream,
        append.events.map(({ type, data, meta }) => ({ type, data, metadata: meta })),
      );
    }
  }
}
const projection = emmett.pongoSingleStreamProjection({
  collectionName: 'tracks',
  canHandle: ['TaskReceived', 'CacheHit', 'ApiCalled', 'Enriched', 'Failed', 'Deferred'],
  evolve(row, { type, data, metadata }) {
    const event = skimEvent({ id: metadata.messageId, type, data, meta: metadata } as TrackEvent);
    return applyToTrack(row, trackIdOfStream(metadata.streamName) ?? '', {
      event,
      revision: Number(metadata.streamPosition),
    });
  },
});
const [beganMs, beganOwnMs] = [performance.now(), ownMs()];
const consumer = emmett.rebuildPostgreSQLProjections({ connectionString: url, projections: [projection] });
await consumer.start();
const [tookMs, processorMs] = [performance.now() - beganMs, ownMs() - beganOwnMs];
await consumer.close();
await store.close();
console.log(JSON.stringify({ events, tookMs, processorMs }));
