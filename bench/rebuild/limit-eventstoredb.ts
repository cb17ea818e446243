/** What the bare client delivers: the same filter, until it has caught up, nothing done with the events. */
import { EventStoreDBClient, START, streamNameFilter } from '@eventstore/db-client';
import { streamPrefixes } from '../../src/domain/stream-names.ts';
import { ownMs } from './processes.ts';

const client = EventStoreDBClient.connectionString(process.env.BENCH_LEDGER ?? '');
const expected = Number(process.env.BENCH_EVENTS);
const [beganMs, beganOwnMs] = [performance.now(), ownMs()];
const filter = streamNameFilter({ prefixes: [...streamPrefixes] });
const subscription = client.subscribeToAll({ fromPosition: START, filter });
let events = 0;
for await (const { event } of subscription) {
  if (event !== undefined) events += 1;
  if (events >= expected) break;
}
const [tookMs, processorMs] = [performance.now() - beganMs, ownMs() - beganOwnMs];
await subscription.unsubscribe();
await client.dispose();
console.log(JSON.stringify({ events, tookMs, processorMs }));
