import { setTimeout as sleep } from 'node:timers/promises';
import { startWorker } from './child.ts';
import { processorMs, pssMb } from './processor-time.ts';
import type { Servers } from './servers.ts';

/** A worker without work: its memory, and the processor time that it takes all the same. */
export async function idle(servers: Servers): Promise<void> {
  const worker = await startWorker(servers, { prefetch: 10 });
  await sleep(5000);
  const before = processorMs(worker.pid);
  await sleep(10_000);
  const took = processorMs(worker.pid) - before;
  console.log(`idle worker: ${pssMb(worker.pid)} MB (target 140), ${took} ms of processor time in 10 s\n`);
  await worker.stop();
}
