import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { openLedgerAt } from '../../src/app.ts';
import { EnrichmentQueuePublisher } from '../../src/queue/publisher.ts';
import { laneQueues } from '../../src/queue/topology.ts';
import { startWorker } from './child.ts';
import { inLanes } from './lanes.ts';
import type { Servers } from './servers.ts';
import { trackOf } from './tracks.ts';

export const backlogTasks = 15_000;
export const realTimeTasks = 300;
const realTimeEveryMs = 30;
const unconfirmed = 100;

/** How long real-time tasks wait in their queue while the backlog is saturated: from publication to `TaskReceived`. */
export async function queueWait(servers: Servers): Promise<void> {
  const { address } = servers;
  const ledger = await openLedgerAt(servers.ledgerUrl);
  const publisher = new EnrichmentQueuePublisher(address, { name: 'bench' });
  // None of the cached ones.
  const taskOf = (n: number) => ({ trackId: `wait${n}`, ...trackOf(n), title: `${trackOf(n).title} remix` });
  await inLanes(backlogTasks, unconfirmed, (n) => publisher.publish({ ...taskOf(n), priority: 0 }));
  const workers = await Promise.all([
    startWorker(servers, { prefetch: 10, args: ['--queue', 'backlog'] }),
    startWorker(servers, { prefetch: 10 }),
  ]);
  await sleep(1000);
  for (let n = 0; n < realTimeTasks; n++) {
    await publisher.publish({ ...taskOf(backlogTasks + n), priority: 7 });
    await sleep(realTimeEveryMs);
  }
  await sleep(2000);
  const waits: number[] = [];
  for (let n = 0; n < realTimeTasks; n++) {
    const [received] = await ledger.read(`track-wait${backlogTasks + n}`);
    if (received === undefined) continue;
    const { request } = received.data as { readonly request: { readonly queuedAt: string } };
    waits.push(Date.parse(String(received.metadata.occurredAt)) - Date.parse(request.queuedAt));
  }
  const model = await connect({ hostname: address.host, port: address.port });
  const channel = await model.createChannel();
  const { messageCount } = await channel.checkQueue(laneQueues.backlog);
  waits.sort((a, b) => a - b);
  const at = (share: number) =>
    waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? Number.NaN;
  console.log(
    `wait of real-time tasks: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms (target 100), ${waits.length} of ${realTimeTasks} received, ${messageCount} of ${backlogTasks} backlog tasks still ready at the end\n`,
  );
  await Promise.all(workers.map((worker) => worker.stop()));
  await channel.purgeQueue(laneQueues.backlog);
  await model.close();
  await publisher.close();
  await ledger.close();
}
