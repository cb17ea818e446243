import type { Socket } from 'node:net';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { trackStream } from '../../src/domain/stream-names.ts';
import type { Ledger, RecordedEvent } from '../../src/ledger/ledger.ts';
import { encodeTrackEvent } from '../../src/ledger/track-events.ts';
import { compareSchemas } from '../../src/projections/compare.ts';
import { connect, liveSchema, nextSchema, proofSchema } from '../../src/projections/database.ts';
import { fill } from '../../src/projections/fill.ts';
import { openFollower } from '../../src/projections/follower.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { runs, within } from '../support/runs.ts';
import { memoryLedger } from './memory-ledger.ts';
import { anyPoison, poisoned } from './poison.ts';
import { anyTracks, interleavings } from './recorded.ts';

const schemas = [liveSchema, nextSchema, proofSchema];
let database: FreshDatabase;
let url = '';
let observer: pg.Client;
beforeAll(async () => {
  database = await freshDatabase();
  url = database.url;
  for (const schema of schemas) await migrateProjections({ url, schema });
  observer = await connect(url);
  for (const schema of schemas) {
    // What the folds do not know of: a row that nothing later makes good again.
    await observer.query(`ALTER TABLE ${schema}.tracks ADD CHECK (track_id <> 'refused')`);
    await observer.query(
      `ALTER TABLE ${schema}.tasks ADD CHECK (task_id <> 'second' OR stream <> 'track-refused')`,
    );
  }
});
afterAll(async () => {
  await observer.end();
  await database.drop();
});

async function startAgain(): Promise<void> {
  for (const schema of schemas) {
    await observer.query(
      `TRUNCATE ${['tracks', 'tasks', 'metrics', 'projection_quarantine'].map((one) => `${schema}.${one}`).join()}`,
    );
    await observer.query(
      `UPDATE ${schema}.projection_checkpoint SET position = NULL, filling = NULL, epoch = epoch + 1`,
    );
  }
}

/** Batches of any size, handed over again now and then, on connections that are lost at any statement. */
interface Deliveries {
  readonly sizes: readonly number[];
  readonly again: readonly number[];
  /** Statements until the connection is lost: before the statement, or with it under way. */
  readonly losses: readonly { readonly after: number; readonly underWay: boolean }[];
}

const anyDeliveries: fc.Arbitrary<Deliveries> = fc.record({
  sizes: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 }),
  again: fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }),
  losses: fc.array(fc.record({ after: fc.nat(60), underWay: fc.boolean() }), { maxLength: 4 }),
});

async function followed(
  ledger: Ledger,
  events: readonly RecordedEvent[],
  deliveries: Deliveries,
): Promise<void> {
  const { sizes, again } = deliveries;
  const losses = [...deliveries.losses];
  for (let turn = 0; ; ) {
    const loss = losses.shift();
    const client = await connect(url);
    try {
      const follower = await openFollower(client, ledger, true);
      if (loss !== undefined) loseConnection(client, loss);
      const { position } = follower.checkpoint;
      let at = position === null ? 0 : Number(position);
      while (at < events.length) {
        const from = Math.max(0, at - (again[turn % again.length] ?? 0));
        const to = Math.min(events.length, at + (sizes[turn % sizes.length] ?? 1));
        await follower.advance(events.slice(from, to), String(to));
        at = to;
        turn += 1;
      }
      return;
    } catch (error) {
      if (loss === undefined) throw error;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

function loseConnection(client: pg.Client, { after, underWay }: Deliveries['losses'][number]): void {
  const { stream } = (client as unknown as { readonly connection: { readonly stream: Socket } }).connection;
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  let left = after;
  Object.assign(client, {
    query: (...args: unknown[]) => {
      left -= 1;
      if (left < 0 && !underWay) stream.destroy();
      const answer = query(...args);
      if (left < 0 && underWay) setImmediate(() => stream.destroy());
      return answer;
    },
  });
}

/** How tables are filled in bulk: given up after so many reads and begun again. */
interface Filled {
  readonly stops: readonly { readonly reads: number; readonly isServer: boolean }[];
  readonly pagesPerTransaction: number;
}

const anyFilled: fc.Arbitrary<Filled> = fc.record({
  stops: fc.array(fc.record({ reads: fc.nat(6), isServer: fc.boolean() }), { maxLength: 3 }),
  pagesPerTransaction: fc.integer({ min: 1, max: 3 }),
});

async function filled(
  ledger: Ledger,
  schema: string,
  upTo: string,
  { stops, pagesPerTransaction }: Filled,
): Promise<void> {
  for (const stop of [...stops, null]) {
    const stopping = new AbortController();
    let reads = 0;
    const read = () => {
      if (stop !== null && ++reads > stop.reads) stopping.abort();
    };
    try {
      await fill({
        ledger,
        url,
        schema,
        upTo,
        stagedBytesMin: 3000,
        pagesPerTransaction,
        signal: stopping.signal,
        onStaging: read,
        onProgress: read,
      });
      return;
    } catch (error) {
      if (!stopping.signal.aborted) throw error;
    }
    if (stop?.isServer === true) await loseUnlogged(schema);
  }
}

/** As a crash of the server does. */
async function loseUnlogged(schema: string): Promise<void> {
  const { rows } = await observer.query<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class
      WHERE relnamespace = $1::regnamespace AND relpersistence = 'u' AND relkind = 'r'`,
    [schema],
  );
  for (const { name } of rows) await observer.query(`TRUNCATE ${name}`);
}

const anyEvents = anyTracks
  .chain((tracks) => fc.record({ tracks: fc.constant(tracks), turns: interleavings(tracks) }))
  .chain(({ tracks, turns }) =>
    fc.record({
      tracks: fc.constant(tracks),
      turns: fc.constant(turns),
      poisonings: fc.array(fc.tuple(fc.nat(), anyPoison), { maxLength: 3 }),
      refused: fc.boolean(),
    }),
  )
  .map(({ tracks, turns, poisonings, refused }) => {
    const revisions = new Map<string, number>();
    const events = turns.map((trackId, at): RecordedEvent => {
      const revision = revisions.get(trackId) ?? 0;
      revisions.set(trackId, revision + 1);
      const event = tracks.get(trackId)?.[revision];
      if (event === undefined) throw new Error('There is no such turn.');
      const stream = trackStream(refused && trackId === 'track 0' ? 'refused' : trackId);
      return { ...encodeTrackEvent(event), stream, revision, position: String(at + 1) };
    });
    let all: readonly RecordedEvent[] = events;
    for (const [any, name] of poisonings) all = poisoned(all, name, any)?.events ?? all;
    return all.map((event) => JSON.parse(JSON.stringify(event)) as RecordedEvent);
  });

async function parkedIn(schema: string): Promise<readonly unknown[]> {
  const { rows } = await observer.query(
    `SELECT read_model, stream, revision, event_id, event_type, error, seen_revision
       FROM ${schema}.projection_quarantine ORDER BY read_model, stream`,
  );
  return rows;
}

it(
  'a rebuild by streams, one by position and following come to the same rows and the same parked streams, whatever the batches, repetitions, poison and losses',
  async () => {
    const world = fc.record({
      events: anyEvents,
      deliveries: anyDeliveries,
      how: anyFilled,
      batch: fc.integer({ min: 1, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(world, async ({ events, deliveries, how, batch }) => {
        await startAgain();
        const upTo = String(events.length);
        const byStream = memoryLedger(events, { batch, wholeStreams: true });
        await followed(byStream, events, deliveries);
        if (events.length > 0) {
          await filled(byStream, nextSchema, upTo, how);
          await filled(memoryLedger(events, { batch, wholeStreams: false }), proofSchema, upTo, how);
        }
        const parked = await parkedIn(liveSchema);
        for (const schema of [nextSchema, proofSchema]) {
          await observer.query('BEGIN');
          const { changes, tables } = await compareSchemas(observer, liveSchema, schema, 3);
          await observer.query('ROLLBACK');
          expect(tables.flatMap(({ samples }) => samples)).toEqual([]);
          expect(changes).toBe(0);
          expect(await parkedIn(schema)).toEqual(parked);
        }
      }),
      runs(60, 240_000),
    );
  },
  within(300_000),
);
