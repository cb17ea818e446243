/** BullMQ around the same work by hand, on the same Redis. */
import { bullmqQueue, loadBullmq } from './bullmq.ts';
import { openWorkByHand } from './by-hand.ts';

const { REDIS_HOST = '', REDIS_PORT = '', PREFETCH = '' } = process.env;

const work = await openWorkByHand();
const { Worker } = loadBullmq();
const worker = new Worker(bullmqQueue, (job) => work(job.id, job.data.body), {
  connection: { host: REDIS_HOST, port: Number(REDIS_PORT) },
  concurrency: Number(PREFETCH),
  // Finished jobs are nobody's history here: the ledger has it.
  removeOnComplete: { count: 0 },
});
await worker.waitUntilReady();
process.once('SIGTERM', () => process.exit(0));
console.log('BullMQ is running.');
