import fc from 'fast-check';
import type { Client } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { replay } from '../../src/domain/evolve.ts';
import { trackStream } from '../../src/domain/stream-names.ts';
import { connect } from '../../src/projections/database.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import type { StreamEvent } from '../../src/projections/read-model.ts';
import type { TaskRow } from '../../src/projections/schema.ts';
import { openTaskQueries } from '../../src/projections/task-queries.ts';
import { applyToTask } from '../../src/projections/tasks.ts';
import { tasksModel } from '../../src/projections/tasks-table.ts';
import { openPostgresStorage, type PostgresStorage } from '../ledger/postgres-storage.ts';
import { anyTracks, factsOf, interleavings, recordedOf } from './recorded.ts';

let storage: PostgresStorage;
let url = '';
beforeEach(async () => {
  storage = await openPostgresStorage();
  url = storage.database.url;
  await migrateProjections({ url });
});
afterEach(() => storage.drop());

/** A batch, as the projector has it. */
async function applied(client: Client, events: readonly StreamEvent[]): Promise<void> {
  const changes = await tasksModel.load(client, [...new Set(events.map(({ stream }) => stream))]);
  for (const event of events) changes.apply(event);
  await changes.save(client);
}

const tableOf = async () =>
  new Map(
    (
      await storage.database.query(
        'SELECT stream, task_id, status, attempts, hop, revision, settlement FROM enrichment.tasks',
      )
    ).map((row) => [`${row.stream} ${row.task_id}`, row]),
  );

it('has a row for every task of every stream as the fold of the stream has it, whatever the batches and repetitions', async () => {
  const world = anyTracks.chain((tracks) =>
    fc.record({
      tracks: fc.constant(tracks),
      turns: interleavings(tracks),
      size: fc.integer({ min: 1, max: 9 }),
      again: fc.boolean(),
    }),
  );
  const client = await connect(url);
  await fc.assert(
    fc.asyncProperty(world, async ({ tracks, turns, size, again }) => {
      await client.query('TRUNCATE tasks');
      const seen = new Map<string, number>();
      const all = turns.map((trackId) => {
        const at = seen.get(trackId) ?? 0;
        seen.set(trackId, at + 1);
        const recorded = factsOf(recordedOf(tracks.get(trackId) ?? []))[at];
        if (recorded === undefined) throw new Error('There is no such turn.');
        return { stream: trackStream(trackId), ...recorded };
      });
      for (let at = 0; at < all.length; at += size) {
        for (let time = 0; time < (again ? 2 : 1); time++) await applied(client, all.slice(at, at + size));
      }
      const table = await tableOf();
      const expected = new Map<string, string>();
      for (const [trackId, events] of tracks) {
        for (const [taskId, task] of replay(recordedOf(events)).tasks) {
          expected.set(`${trackStream(trackId)} ${taskId}`, task.end?.kind ?? 'unfinished');
        }
      }
      expect([...table.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
      for (const [key, status] of expected) {
        const found = table.get(key)?.status;
        expect(found === 'open' || found === 'waiting' ? 'unfinished' : found, key).toBe(status);
      }
    }),
    { numRuns: 60 },
  );
  await client.end();
});

it('an event that came already changes nothing', () => {
  fc.assert(
    fc.property(anyTracks, (tracks) => {
      for (const [trackId, events] of tracks) {
        const recorded = factsOf(recordedOf(events.filter(({ type }) => type !== 'Erased')));
        let row: TaskRow | null = null;
        for (const one of recorded) {
          row = applyToTask(row, trackId, one);
          expect(applyToTask(row, trackId, one)).toEqual(row);
        }
      }
    }),
  );
});

/** Inserts rows as the projector would have made them. */
async function insert(rows: readonly Record<string, unknown>[]): Promise<void> {
  for (const row of rows) {
    const names = Object.keys(row);
    const places = names.map((_, n) => `$${n + 1}`);
    await storage.database.query(
      `INSERT INTO enrichment.tasks (${names.join()}) VALUES (${places.join()})`,
      Object.values(row),
    );
  }
}

it('finds what stands still: unfinished tasks, follow-ups and replays that never arrived, the longest first', async () => {
  const at = (day: number) => `2026-01-0${day}T00:00:00.000Z`;
  const task = (id: string, change: Record<string, unknown>) => ({
    stream: 'track-a',
    task_id: id,
    artist: '',
    title: '',
    priority: 5,
    origin: 'request',
    status: 'open',
    hop: 0,
    attempts: 0,
    left_out: '[]',
    revision: 1,
    updated_at: at(1),
    ...change,
  });
  const leftOut = JSON.stringify([{ provider: 'lastfm', cause: 'waiting', until: at(2) }]);
  const replayed = { status: 'failed', settlement: 'replayed', settled_at: at(2) };
  await insert([
    task('open since', { updated_at: at(3) }),
    task('open lately', { updated_at: at(6) }),
    task('retry overdue', { status: 'waiting', due_at: at(4), updated_at: at(2) }),
    task('retry to come', { status: 'waiting', due_at: at(7) }),
    task('follow-up missing', {
      status: 'enriched',
      left_out: leftOut,
      decided_at: at(1),
      updated_at: at(4),
    }),
    task('follow-up there', { status: 'enriched', left_out: leftOut, decided_at: at(1) }),
    task('its follow-up', {
      origin: 'follow-up',
      of_task_id: 'follow-up there',
      provider: 'lastfm',
      status: 'enriched',
    }),
    task('replay missing', { ...replayed, replayed_as: 'nowhere', updated_at: at(1) }),
    task('replay there', { ...replayed, replayed_as: 'the replay' }),
    task('the replay', { origin: 'replay', of_task_id: 'replay there', status: 'enriched' }),
    task('done', { status: 'enriched' }),
  ]);
  const queries = openTaskQueries({ url });
  const overdue = await queries.overdue(at(5), 10);
  expect(overdue.map(({ taskId }) => taskId)).toEqual([
    'replay missing',
    'retry overdue',
    'open since',
    'follow-up missing',
  ]);
  expect(await queries.overdue(at(5), 1)).toEqual([{ stream: 'track-a', taskId: 'replay missing' }]);
  // A replay that never arrived settles nothing.
  expect((await queries.deadLetters({}, 10)).map(({ taskId }) => taskId)).toEqual(['replay missing']);
  await queries.close();
});

it('finds dead letters by each filter, and not those that nobody has to look after', async () => {
  const failed = (n: number, change: Record<string, unknown>) => ({
    stream: `track-${n}`,
    task_id: `task ${n}`,
    artist: 'Tiësto',
    title: '100% pure_love',
    source: 'scraper',
    priority: 5,
    origin: 'request',
    status: 'failed',
    hop: 0,
    attempts: 5,
    decided_at: `2026-01-0${n}T00:00:00.000Z`,
    left_out: '[{"provider":"spotify"}]',
    failure_reason: 'unavailable',
    failure_message: 'No answer.',
    revision: 3,
    updated_at: '2026-01-09T00:00:00.000Z',
    ...change,
  });
  const rows = [
    failed(1, {}),
    failed(2, { failure_reason: 'crashes', source: null, left_out: '[]' }),
    failed(3, { failure_reason: 'not_found' }),
    failed(4, { settlement: 'dismissed' }),
    failed(5, { status: 'enriched' }),
  ];
  await insert(rows);
  const queries = openTaskQueries({ url });
  const ids = async (filter: Parameters<typeof queries.deadLetters>[0]) =>
    (await queries.deadLetters(filter, 10)).map(({ taskId }) => taskId);
  expect(await ids({})).toEqual(['task 2', 'task 1']);
  expect(await ids({ reason: 'not_found' })).toEqual(['task 3']);
  expect(await ids({ provider: 'spotify' })).toEqual(['task 1']);
  expect(await ids({ source: 'scraper' })).toEqual(['task 1']);
  expect(await ids({ since: '2026-01-02T00:00:00.000Z' })).toEqual(['task 2']);
  expect(await ids({ text: 'Tiësto 100% PURE_' })).toEqual(['task 2', 'task 1']);
  expect(await ids({ text: 'pureXlove' })).toEqual([]);
  expect(await ids({ settled: true })).toEqual(['task 4', 'task 2', 'task 1']);
  expect(await ids({ taskIds: ['task 3', 'task 1'] })).toEqual(['task 3', 'task 1']);
  expect(await queries.countDeadLetters({ settled: true })).toEqual([
    { reason: 'unavailable', count: 2 },
    { reason: 'crashes', count: 1 },
  ]);
  await queries.close();
});
