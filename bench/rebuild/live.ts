import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { openLedgerAt } from '../../src/app.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { eventStoreServer } from './eventstoredb-server.ts';
import { quantile } from './flags.ts';
import { appended } from './load-ledger.ts';
import { pssMb } from './processes.ts';
import { startProjectorProcess } from './projector-process.ts';
import { withPostgres } from './servers.ts';
import { type Append, storyOf } from './story.ts';

const eventsPerSecond = 500;
const seconds = 20;
const warmUpSeconds = 3;
const burstEvents = 20_000;
const lookEveryMs = 2;
const visibleMsMax = 120_000;
/** Tracks that no other part of the benchmark has appended to the same server. */
const firstTrack = 10_000_000;

/** From append to row visible, with a projector that is a process of its own; then a burst. */
export async function live(): Promise<void> {
  console.log(`Live: from the call of an append to the row visible, at ${eventsPerSecond} events/s`);
  await withPostgres(async ({ url }) => measure('PostgreSQL', url, url));
  const server = await eventStoreServer();
  try {
    await withPostgres(async ({ url }) => measure(server.name, server.url, url));
  } finally {
    await server.stop();
  }
  console.log();
}

async function measure(name: string, ledgerUrl: string, url: string): Promise<void> {
  const ledger = await openLedgerAt(ledgerUrl);
  await migrateProjections({ url });
  const projector = await startProjectorProcess(ledgerUrl, url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const appends = prepared();
    await steady(ledger, client, appends, warmUpSeconds);
    const { visibleMs, appendMs } = await steady(ledger, client, appends, seconds);
    const [p50, p99] = [quantile(visibleMs, 0.5).toFixed(0), quantile(visibleMs, 0.99).toFixed(0)];
    const [append50, append99] = [quantile(appendMs, 0.5).toFixed(0), quantile(appendMs, 0.99).toFixed(0)];
    console.log(`  ${name}`);
    console.log(
      `    p50 ${p50} ms (target 50), p99 ${p99} ms (target 120), of ${visibleMs.length} events; the append alone p50 ${append50} ms, p99 ${append99} ms`,
    );
    await burst(ledger, client, appends);
    console.log(`    the projector takes ${pssMb(projector.pid)} MB at the end`);
  } finally {
    await client.end();
    await projector.stop();
    await ledger.close();
  }
}

/** First tasks of one track after the other: made beforehand, because making them takes processor time. */
function prepared(): Append[] {
  const appends: Append[] = [];
  let events = 0;
  for (let n = firstTrack; events < burstEvents + eventsPerSecond * (seconds + 3 * warmUpSeconds); n++) {
    for (const append of storyOf(n).filter(({ round }) => round === 0)) {
      appends.push(append);
      events += append.events.length;
    }
  }
  return appends.reverse();
}

function next(appends: Append[]): Append {
  const append = appends.pop();
  if (append === undefined) throw new Error('Too few appends were prepared.');
  return append;
}

/** How long each event took to be visible, and each append to be acknowledged, in milliseconds. */
async function steady(
  ledger: Ledger,
  client: pg.Client,
  appends: Append[],
  forSeconds: number,
): Promise<{ readonly visibleMs: readonly number[]; readonly appendMs: readonly number[] }> {
  const waiting = new Map<string, { readonly sinceMs: number; readonly append: Append }>();
  const visibleMs: number[] = [];
  const appendMs: number[] = [];
  const beganMs = performance.now();
  let sent = 0;
  const appending: Promise<void>[] = [];
  while (performance.now() - beganMs < forSeconds * 1000 || waiting.size > 0) {
    const elapsedMs = performance.now() - beganMs;
    if (elapsedMs > forSeconds * 1000 + visibleMsMax) throw new Error(`${waiting.size} rows never came.`);
    while (sent < Math.min(elapsedMs / 1000, forSeconds) * eventsPerSecond) {
      const append = next(appends);
      const sinceMs = performance.now();
      sent += append.events.length;
      waiting.set(append.stream, { sinceMs, append });
      appending.push(
        appended(ledger, append).then(() => {
          appendMs.push(performance.now() - sinceMs);
        }),
      );
    }
    const visible = await visibleOf(client, [...waiting.keys()]);
    const nowMs = performance.now();
    for (const [stream, revision] of visible) {
      const one = waiting.get(stream);
      if (one === undefined || revision < one.append.revision + one.append.events.length - 1) continue;
      for (const _ of one.append.events) visibleMs.push(nowMs - one.sinceMs);
      waiting.delete(stream);
    }
    await sleep(lookEveryMs);
  }
  await Promise.all(appending);
  return { visibleMs, appendMs };
}

async function visibleOf(
  client: pg.Client,
  streams: readonly string[],
): Promise<readonly [string, number][]> {
  const { rows } = await client.query<{ stream: string; revision: number }>({
    name: 'visible',
    text: `SELECT 'track-' || track_id AS stream, stream_revision AS revision FROM enrichment.tracks
            WHERE track_id = ANY(SELECT substr(one, 7) FROM unnest($1::text[]) AS one)`,
    values: [streams],
  });
  return rows.map(({ stream, revision }) => [stream, revision]);
}

async function burst(ledger: Ledger, client: pg.Client, appends: Append[]): Promise<void> {
  let events = 0;
  let last: Append | null = null;
  const beganMs = performance.now();
  const lane = async () => {
    while (events < burstEvents) {
      const append = next(appends);
      events += append.events.length;
      last = append;
      await appended(ledger, append);
    }
  };
  await Promise.all(Array.from({ length: 64 }, lane));
  const appendedMs = performance.now() - beganMs;
  const { stream } = last ?? { stream: '' };
  while ((await visibleOf(client, [stream])).length === 0) {
    if (performance.now() - beganMs > visibleMsMax) throw new Error('The burst never became visible.');
    await sleep(20);
  }
  const visibleMs = performance.now() - beganMs;
  const after = await steady(ledger, client, appends, warmUpSeconds);
  const p99 = quantile(after.visibleMs, 0.99).toFixed(0);
  console.log(
    `    burst of ${events} events appended in ${(appendedMs / 1000).toFixed(1)} s, visible after ${(visibleMs / 1000).toFixed(1)} s; afterwards p99 ${p99} ms`,
  );
}
