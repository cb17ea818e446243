/**
 * Publishing and working with servers. `npm run bench:workers -- [--only PART …] [--rounds N] [--tasks N]
 * [--from-source]`. RabbitMQ and Redis are its own, from the programs on this machine; the ledger is the EventStoreDB of
 * TEST_EVENTSTORE_URL, else an embedded PostgreSQL; the providers are the simulator with lifted rates. Workers are
 * `cli worker` processes of the compiled code, as containers run it; `--from-source` takes tsx instead.
 *
 * - `publish`: publishing with confirms, beside bare amqplib with the same message and as many unconfirmed;
 * - `idle`: the memory of an idle worker, and the processor time that it takes in ten seconds;
 * - `wait`: what real-time tasks wait in their queue while the backlog is saturated: from publication to `TaskReceived`;
 * - `cached`: tasks whose answers are all cached, beside bare clients by hand and BullMQ that do the same work: tasks a
 *   second, and processor time a task;
 * - `waiting`: the same with a wait of 20 ms in each handler;
 * - `scaling`: 1, 2 and 4 workers, and which process the time goes to;
 * - `profile`: which functions of the worker it goes to.
 */
import { cached } from './workers/cached.ts';
import { killChildren } from './workers/child.ts';
import { buildCode } from './workers/code.ts';
import { fillCache } from './workers/fill-cache.ts';
import { flags } from './workers/flags.ts';
import { hotPath } from './workers/hot-path.ts';
import { idle } from './workers/idle.ts';
import { installPeers } from './workers/peers.ts';
import { publishing } from './workers/publishing.ts';
import { backlogTasks, queueWait, realTimeTasks } from './workers/queue-wait.ts';
import { scaling } from './workers/scaling.ts';
import { type Servers, startServers } from './workers/servers.ts';

const waitMs = 20;

const parts: Readonly<Record<string, (servers: Servers) => Promise<void>>> = {
  publish: publishing,
  idle,
  wait: queueWait,
  cached: (servers) => besidePeers(servers, 0),
  waiting: (servers) => besidePeers(servers, waitMs),
  async scaling(servers) {
    await fillCache(servers, flags.tasks * 4);
    await scaling(servers);
  },
  async profile(servers) {
    await fillCache(servers, flags.tasks);
    await hotPath(servers);
  },
};

async function besidePeers(servers: Servers, handlerWaitMs: number): Promise<void> {
  installPeers();
  await fillCache(servers, flags.tasks);
  await cached(servers, handlerWaitMs);
}

const wanted = flags.only ?? Object.keys(parts);
const unknown = wanted.filter((name) => parts[name] === undefined);
if (unknown.length > 0) {
  throw new Error(`There is no part "${unknown.join('", "')}": there are ${Object.keys(parts).join(', ')}.`);
}
buildCode();
const servers = await startServers(Math.max(backlogTasks + realTimeTasks, flags.tasks * 4));
try {
  const code = flags.fromSource ? 'from the source through tsx' : 'compiled';
  console.log(`ledger: ${servers.ledgerName}; workers: ${code}, Node ${process.versions.node}\n`);
  for (const name of wanted) await parts[name]?.(servers);
} finally {
  killChildren();
  await servers.stop();
}
