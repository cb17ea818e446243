/**
 * The ledger adapters beside bare clients that make the same calls: appends/s with 1 and with 64 in flight, events/s
 * read and subscribed. `npm run bench:ledger -- [--rounds N] [--only NAME]`. It runs on the stand-in for EventStoreDB
 * (a process of its own), on the server of TEST_EVENTSTORE_URL where that is set, and on an embedded PostgreSQL.
 * Each round makes both sides in turn; a ratio is the median of the rounds' ratios.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import {
  EventStoreDBClient,
  FORWARDS,
  jsonEvent,
  NO_STREAM,
  START,
  streamNameFilter,
} from '@eventstore/db-client';
import pg from 'pg';
import { openEmbeddedPostgres } from '../src/embedded/embedded-postgres.ts';
import { openEventStoreLedger } from '../src/ledger/eventstoredb.ts';
import type { Ledger, NewEvent } from '../src/ledger/ledger.ts';
import { openPostgresLedger } from '../src/ledger/postgres.ts';

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, only: { type: 'string' } },
});
const rounds = Number(flags.rounds);
const root = resolve(import.meta.dirname, '..');

const streamEvents = 1000;
const subscribedEvents = 20_000;
const eventsPerFill = 100;
const payload = 'x'.repeat(450);

/** One side of a pair: the adapter, or a bare client. */
interface Side {
  append(stream: string, events: readonly NewEvent[]): Promise<unknown>;
  /** How many events the stream has. */
  read(stream: string): Promise<number>;
  /** Follows streams of this prefix from the first event on until so many came. */
  subscribe(prefix: string, count: number): Promise<void>;
  close(): Promise<void>;
}

interface Server {
  readonly name: string;
  readonly bareName: string;
  readonly adapter: Side;
  readonly bare: Side;
  stop(): Promise<void>;
}

const eventOf = (n: number): NewEvent => ({
  id: randomUUID(),
  type: 'ApiCalled',
  data: { n, payload },
  metadata: { taskId: 'bench', schemaVersion: 1 },
});
const eventsOf = (count: number) => Array.from({ length: count }, (_, n) => eventOf(n));

function sideOf(ledger: Ledger): Side {
  return {
    append: (stream, events) => ledger.append(stream, 'no-stream', events),
    read: async (stream) => (await ledger.read(stream)).length,
    async subscribe(prefix, count) {
      let seen = 0;
      const { signal } = new AbortController();
      for await (const message of ledger.subscribe({ prefixes: [prefix], after: null, signal })) {
        if (message.kind === 'events') seen += message.events.length;
        if (seen >= count) return;
      }
    },
    close: () => ledger.close(),
  };
}

function bareEventStore(url: string): Side {
  const client = EventStoreDBClient.connectionString(url);
  return {
    append: (stream, events) =>
      client.appendToStream(
        stream,
        events.map(({ id, type, data, metadata }) => jsonEvent({ id, type, data, metadata })),
        { expectedRevision: NO_STREAM },
      ),
    async read(stream) {
      let seen = 0;
      for await (const { event } of client.readStream(stream, { direction: FORWARDS })) if (event) seen += 1;
      return seen;
    },
    async subscribe(prefix, count) {
      // Ending a subscription ends its client's connection.
      const following = EventStoreDBClient.connectionString(url);
      const filter = streamNameFilter({ prefixes: [prefix] });
      const subscription = following.subscribeToAll({ fromPosition: START, filter });
      let seen = 0;
      for await (const { event } of subscription) {
        if (event) seen += 1;
        if (seen >= count) break;
      }
      await subscription.unsubscribe();
    },
    close: () => client.dispose(),
  };
}

/** What a service without a ledger would write: a table with a key, a statement an append. */
async function barePostgres(url: string): Promise<Side> {
  const pool = new pg.Pool({ connectionString: url, max: 6 });
  await pool.query(`CREATE TABLE bare (position bigserial PRIMARY KEY, stream text, revision int, id uuid,
    type text, data jsonb, metadata jsonb, UNIQUE (stream, revision))`);
  return {
    append: (stream, events) =>
      pool.query({
        name: 'append',
        text: `INSERT INTO bare (stream, revision, id, type, data, metadata)
               SELECT $1, n - 1, id, type, data, metadata
                 FROM unnest($2::uuid[], $3::text[], $4::jsonb[], $5::jsonb[])
                      WITH ORDINALITY AS one (id, type, data, metadata, n)`,
        values: [
          stream,
          events.map(({ id }) => id),
          events.map(({ type }) => type),
          events.map(({ data }) => JSON.stringify(data)),
          events.map(({ metadata }) => JSON.stringify(metadata)),
        ],
      }),
    async read(stream) {
      const text = 'SELECT * FROM bare WHERE stream = $1 ORDER BY revision';
      return (await pool.query({ name: 'read', text, values: [stream] })).rows.length;
    },
    async subscribe(prefix, count) {
      let position = '0';
      let seen = 0;
      while (seen < count) {
        const text = 'SELECT * FROM bare WHERE position > $1 ORDER BY position LIMIT 1000';
        const { rows } = await pool.query({ name: 'follow', text, values: [position] });
        position = rows.at(-1)?.position ?? position;
        seen += rows.filter(({ stream }) => stream.startsWith(prefix)).length;
      }
    },
    close: () => pool.end(),
  };
}

async function onEventStore(name: string, url: string, stop: () => Promise<void>): Promise<Server> {
  return {
    name,
    bareName: 'bare @eventstore/db-client',
    adapter: sideOf(await openEventStoreLedger({ url })),
    bare: bareEventStore(url),
    stop,
  };
}

const startable: Readonly<Record<string, () => Promise<Server | null>>> = {
  async 'stand-in'() {
    const child = spawn('npm', ['run', '-s', 'eventstoredb:stand-in', '--', '--port', '0'], {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = await urlOf(child);
    const stop = async () => {
      process.kill(-(child.pid ?? 0), 'SIGTERM');
      await once(child, 'close');
    };
    return onEventStore('stand-in for EventStoreDB (not a database: it keeps nothing)', url, stop);
  },
  async real() {
    const url = process.env.TEST_EVENTSTORE_URL ?? '';
    return url === ''
      ? null
      : onEventStore('EventStoreDB at TEST_EVENTSTORE_URL', url, async () => undefined);
  },
  async postgres() {
    const folder = mkdtempSync(join(tmpdir(), 'bench-ledger-'));
    const server = await openEmbeddedPostgres({ dataDir: join(folder, 'data') });
    return {
      name: 'embedded PostgreSQL, fsync on',
      bareName: 'bare pg, one INSERT an append',
      adapter: sideOf(await openPostgresLedger({ url: server.url })),
      bare: await barePostgres(server.url),
      async stop() {
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};

async function urlOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('The stand-in has no output.');
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /LEDGER_URL=(\S+)/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error('The stand-in did not start.');
}

/** Units of work a second. */
type Measure = (side: Side, round: string) => Promise<number>;

async function perSecond(units: number, work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (units * 1000) / (performance.now() - start);
}

function appending(count: number, inFlight: number): Measure {
  return async (side, round) => {
    const events = eventsOf(count);
    let next = 0;
    const lane = async () => {
      for (let n = next++; n < count; n = next++) {
        const event = events[n];
        if (event !== undefined) await side.append(`append-${round}-${n}`, [event]);
      }
    };
    return perSecond(count, () => Promise.all(Array.from({ length: inFlight }, lane)));
  };
}

async function compare(
  what: string,
  unit: string,
  { adapter, bare }: Server,
  measure: Measure,
): Promise<void> {
  const ours: number[] = [];
  const theirs: number[] = [];
  await measure(bare, `${randomUUID()}-warm`);
  await measure(adapter, `${randomUUID()}-warm`);
  for (let round = 0; round < rounds; round++) {
    const sides = [
      async () => ours.push(await measure(adapter, randomUUID())),
      async () => theirs.push(await measure(bare, randomUUID())),
    ];
    for (const side of round % 2 === 0 ? sides : sides.reverse()) await side();
  }
  const ratio = median(ours.map((one, round) => one / (theirs[round] ?? 1)));
  const [one, two] = [median(ours), median(theirs)].map((rate) => rate.toFixed(0).padStart(7));
  console.log(`${what.padEnd(24)} ${one} ${two} ${ratio.toFixed(2).padStart(6)}   ${unit}`);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function fill(
  side: Side,
  stream: (n: number) => string,
  total: number,
  perStream: number,
): Promise<void> {
  for (let n = 0; n < total / perStream; n++) await side.append(stream(n), eventsOf(perStream));
}

for (const [key, start] of Object.entries(startable)) {
  if (flags.only !== undefined && flags.only !== key) continue;
  const server = await start();
  if (server === null) {
    console.log('EventStoreDB: skipped, TEST_EVENTSTORE_URL is not set.\n');
    continue;
  }
  const { adapter, bare } = server;
  console.log(`${server.name}; beside it ${server.bareName}`);
  console.log(`${''.padEnd(24)} ${'adapter'.padStart(7)} ${'bare'.padStart(7)} ${'ratio'.padStart(6)}`);
  await compare('append, 1 in flight', 'appends/s', server, appending(3000, 1));
  await compare('append, 64 in flight', 'appends/s', server, appending(12_000, 64));
  const [stream, prefix] = [`read-${randomUUID()}`, `${randomUUID()}-`];
  for (const side of [adapter, bare]) {
    await fill(side, () => `${stream}${side === bare ? '-bare' : ''}`, streamEvents, streamEvents);
    const streamOf = (n: number) => `${prefix}${side === bare ? 'bare' : 'own'}-${n}`;
    await fill(side, streamOf, subscribedEvents, eventsPerFill);
  }
  await compare('read a stream', 'events/s', server, (side) =>
    perSecond(10 * streamEvents, async () => {
      for (let n = 0; n < 10; n++) {
        const seen = await side.read(side === bare ? `${stream}-bare` : stream);
        if (seen !== streamEvents) throw new Error(`${seen} events of ${streamEvents} were read.`);
      }
    }),
  );
  await compare('subscribe with a filter', 'events/s', server, (side) =>
    perSecond(subscribedEvents, () =>
      side.subscribe(`${prefix}${side === bare ? 'bare' : 'own'}-`, subscribedEvents),
    ),
  );
  console.log();
  await Promise.all([adapter.close(), bare.close()]);
  await server.stop();
}
