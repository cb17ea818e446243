/**
 * Publishing and working on RabbitMQ. `npm run bench:workers -- [--rounds N]`. It starts a broker of its own (from the
 * programs on this machine) and an embedded PostgreSQL, workers are processes as `cli worker` starts them, and the
 * providers are the simulator with lifted rates.
 *
 * - publishing with confirms, beside bare amqplib with the same message and as many unconfirmed: interleaved rounds;
 * - the wait of real-time tasks in their queue while the backlog is saturated: from publication to `TaskReceived`;
 * - an idle worker: its memory (PSS), and the processor time that it takes in ten seconds.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from 'amqplib';
import { openEmbeddedPostgres } from '../src/embedded/embedded-postgres.ts';
import { openPostgresLedger } from '../src/ledger/postgres.ts';
import { noFaults } from '../src/providers/simulator/faults.ts';
import { startSimulator } from '../src/providers/simulator/simulator.ts';
import { EnrichmentQueuePublisher } from '../src/queue/publisher.ts';
import type { RabbitmqAddress } from '../src/queue/rabbitmq-connection.ts';
import { initTopology } from '../src/queue/rabbitmq-init.ts';
import { startPrivateRabbitmq } from '../test/support/services/rabbitmq.ts';

const { values: flags } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } });
const rounds = Number(flags.rounds);
const root = resolve(import.meta.dirname, '..');
const cli = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { cli: string } }
).scripts.cli
  .split(' ')
  .slice(1);

const publishedPerRound = 10_000;
const unconfirmed = 500;
const backlogTasks = 15_000;
const realTimeTasks = 300;
const realTimeEveryMs = 30;
const unlimited = Number.POSITIVE_INFINITY;

const broker = await startPrivateRabbitmq();
const folder = mkdtempSync(join(tmpdir(), 'bench-workers-'));
const postgres = await openEmbeddedPostgres({ dataDir: join(folder, 'data') });
const simulator = await startSimulator({
  tracks: Array.from({ length: backlogTasks + realTimeTasks }, (_, n) => ({
    artist: `Band ${n % 97}`,
    title: `Song number ${n}`,
    album: null,
    year: 1990,
    durationMs: 180_000,
    isrc: null,
    spotifyId: null,
    mbid: null,
  })),
  port: 0,
  seed: 1,
  unknownShare: 0,
  decoyShare: 0,
  latencyMs: 20,
  faults: noFaults,
  ratesPerSecond: { spotify: unlimited, musicbrainz: unlimited, lastfm: unlimited },
});
const { hostname: host, port } = new URL(broker.url);
const address: RabbitmqAddress = { host, port: Number(port), user: 'guest', password: 'guest', vhost: '/' };
const children: ChildProcess[] = [];
try {
  await initTopology({ address, managementUrl: broker.managementUrl, type: 'classic' });
  await publishing();
  await idle();
  await queueWait();
} finally {
  for (const child of children) child.kill('SIGKILL');
  await simulator.close();
  await postgres.stop();
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function publishing(): Promise<void> {
  const publisher = new EnrichmentQueuePublisher(address, { name: 'bench' });
  const model = await connect({ hostname: host, port: Number(port), username: 'guest', password: 'guest' });
  const channel = await model.createConfirmChannel();
  const task = (n: number) => ({ trackId: `bench${n}`, artist: `Band ${n % 97}`, title: `Song number ${n}` });
  const body = (n: number) => {
    const { trackId, artist, title } = task(n);
    const queuedAt = new Date().toISOString();
    return JSON.stringify({
      track_id: trackId,
      artist,
      title,
      priority: 5,
      force_refresh: false,
      queued_at: queuedAt,
    });
  };
  const ours = () => perSecond((n) => publisher.publish(task(n)));
  const bare = () =>
    perSecond(
      (n) =>
        new Promise<void>((done, failed) => {
          const options = {
            persistent: true,
            mandatory: true,
            messageId: `bench${n}`,
            priority: 5,
            contentType: 'application/json',
            headers: { 'x-hop': 0 },
          };
          channel.publish('', 'metadata_enrichment_queue', Buffer.from(body(n)), options, (error) =>
            error ? failed(error as Error) : done(),
          );
        }),
    );
  const purge = () => channel.purgeQueue('metadata_enrichment_queue');
  const rates: { ours: number; bare: number }[] = [];
  for (let round = -1; round < rounds; round++) {
    const pair = { ours: 0, bare: 0 };
    const sides = [
      async () => {
        pair.ours = await ours();
      },
      async () => {
        pair.bare = await bare();
      },
    ];
    for (const side of round % 2 === 0 ? sides : sides.reverse()) {
      await side();
      await purge();
    }
    if (round >= 0) rates.push(pair);
  }
  await publisher.close();
  await model.close();
  const [mine, theirs] = [median(rates.map((one) => one.ours)), median(rates.map((one) => one.bare))];
  const ratio = median(rates.map((one) => one.ours / one.bare));
  console.log(
    `publish with confirms       ${mine.toFixed(0)}/s, bare amqplib ${theirs.toFixed(0)}/s, ratio ${ratio.toFixed(2)} (target 0.8)`,
  );
}

async function perSecond(publish: (n: number) => Promise<unknown>): Promise<number> {
  const start = performance.now();
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < publishedPerRound; n = next++) await publish(n);
  };
  await Promise.all(Array.from({ length: unconfirmed }, lane));
  return (publishedPerRound * 1000) / (performance.now() - start);
}

function startWorker(args: readonly string[], prefetch: number): ChildProcess {
  const child = spawn(process.execPath, [...cli, 'worker', ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      ...simulator.environment,
      RABBITMQ_HOST: host,
      RABBITMQ_PORT: port,
      RABBITMQ_USER: 'guest',
      RABBITMQ_PASS: 'guest',
      RABBITMQ_MANAGEMENT_URL: broker.managementUrl,
      LEDGER_URL: postgres.url,
      ENRICHMENT_PREFETCH_COUNT: String(prefetch),
      SPOTIFY_RATE_PER_SECOND: 'off',
      MUSICBRAINZ_RATE_PER_SECOND: 'off',
      LASTFM_RATE_PER_SECOND: 'off',
      LOG_LEVEL: 'info',
    },
  });
  children.push(child);
  return child;
}

async function said(child: ChildProcess, text: string): Promise<void> {
  for await (const chunk of child.stderr ?? []) if (String(chunk).includes(text)) break;
  child.stderr?.resume();
}

async function idle(): Promise<void> {
  const worker = startWorker([], 10);
  await said(worker, 'is running');
  await sleep(5000);
  const before = processorMs(worker.pid ?? 0);
  await sleep(10_000);
  const took = processorMs(worker.pid ?? 0) - before;
  console.log(
    `idle worker                 ${pssMb(worker.pid ?? 0)} MB (target 140), ${took} ms of processor time in 10 s`,
  );
  worker.kill('SIGTERM');
  await new Promise((done) => worker.once('exit', done));
}

async function queueWait(): Promise<void> {
  const ledger = await openPostgresLedger({ url: postgres.url });
  const publisher = new EnrichmentQueuePublisher(address, { name: 'bench' });
  const trackOf = (n: number) => ({ trackId: `t${n}`, artist: `Band ${n % 97}`, title: `Song number ${n}` });
  for (let n = 0; n < backlogTasks; n += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, at) => publisher.publish({ ...trackOf(n + at), priority: 0 })),
    );
  }
  const workers = [startWorker(['--queue', 'backlog'], 10), startWorker([], 10)];
  await Promise.all(workers.map((worker) => said(worker, 'is running')));
  await sleep(1000);
  for (let n = 0; n < realTimeTasks; n++) {
    await publisher.publish({ ...trackOf(backlogTasks + n), priority: 7 });
    await sleep(realTimeEveryMs);
  }
  await sleep(2000);
  const waits: number[] = [];
  for (let n = 0; n < realTimeTasks; n++) {
    const [received] = await ledger.read(`track-t${backlogTasks + n}`);
    if (received === undefined) continue;
    const { request } = received.data as { readonly request: { readonly queuedAt: string } };
    waits.push(Date.parse(String(received.metadata.occurredAt)) - Date.parse(request.queuedAt));
  }
  const { messageCount } = await left();
  waits.sort((a, b) => a - b);
  const at = (share: number) =>
    waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? Number.NaN;
  console.log(
    `wait of real-time tasks     p50 ${at(0.5)} ms, p99 ${at(0.99)} ms (target 100), ${waits.length} of ${realTimeTasks} received, ${messageCount} of ${backlogTasks} backlog tasks still ready at the end`,
  );
  await publisher.close();
  await ledger.close();
}

async function left(): Promise<{ readonly messageCount: number }> {
  const model = await connect({ hostname: host, port: Number(port), username: 'guest', password: 'guest' });
  const channel = await model.createChannel();
  const found = await channel.checkQueue('metadata_enrichment_backlog_queue');
  await model.close();
  return found;
}

/** User and system time of a process. */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function pssMb(pid: number): number {
  const kb = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? '0';
  return Math.round(Number(kb) / 1024);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
