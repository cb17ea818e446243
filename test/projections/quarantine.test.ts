import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger, NewEvent, RecordedEvent } from '../../src/ledger/ledger.ts';
import { liveSchema } from '../../src/projections/database.ts';
import { fill } from '../../src/projections/fill.ts';
import { openFollower } from '../../src/projections/follower.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { type Projector, startProjector } from '../../src/projections/projector.ts';
import { requestRelease } from '../../src/projections/quarantine-queries.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { openPostgresStorage, type PostgresStorage } from '../ledger/postgres-storage.ts';
import { runs, within } from '../support/runs.ts';
import { caughtUpMsMax, expectTrue, replaceLive, storyOfTracks, withClient } from './made-live.ts';
import { memoryLedger } from './memory-ledger.ts';
import { type PoisonName, poisoned, poisons } from './poison.ts';

let storage: PostgresStorage;
let url = '';
const query = (text: string, values?: readonly unknown[]) => storage.database.query(text, values);
beforeEach(async () => {
  storage = await openPostgresStorage();
  url = storage.database.url;
  await migrateProjections({ url });
});
afterEach(() => storage.drop());

/** Every row of the read models, without the sums of all tracks. */
const rowsOf = async (condition: string) => {
  const [tracks, tasks] = [
    await query(`SELECT t::text FROM ${liveSchema}.tracks AS t WHERE ${condition} ORDER BY 1`),
    await query(`SELECT t::text FROM ${liveSchema}.tasks AS t WHERE ${condition} ORDER BY 1`),
  ];
  return [...tracks, ...tasks].map(({ t }) => String(t));
};

const parked = async () =>
  (
    await query(
      'SELECT read_model, stream, revision, seen_revision FROM enrichment.projection_quarantine ORDER BY 1, 2',
    )
  ).map(
    ({ read_model, stream, revision, seen_revision }) =>
      `${read_model} ${stream} ${revision}..${seen_revision}`,
  );

async function follow(events: readonly RecordedEvent[], batch: number): Promise<void> {
  const ledger = memoryLedger(events, { batch, wholeStreams: true });
  await withClient(url, async (client) => {
    const follower = await openFollower(client, ledger, true);
    for (let at = 0; at < events.length; at += batch) {
      const slice = events.slice(at, at + batch);
      await follower.advance(slice, slice.at(-1)?.position ?? '0');
    }
  });
}

async function startAgain(): Promise<void> {
  await query(
    'TRUNCATE enrichment.tracks, enrichment.tasks, enrichment.metrics, enrichment.projection_quarantine',
  );
  await query('UPDATE enrichment.projection_checkpoint SET position = NULL, epoch = epoch + 1');
}

describe('poison of one track', () => {
  const story = storyOfTracks(6);
  const anyPoisoning = fc.record({
    any: fc.nat(),
    name: fc.constantFrom(...(Object.keys(poisons) as PoisonName[])),
    batch: fc.integer({ min: 1, max: story.length }),
  });

  it(
    'changes no row of another, and what the poisoned one had before stays; in bulk as one by one',
    async () => {
      await follow(story, 100);
      const clean = await rowsOf('true');
      await fc.assert(
        fc.asyncProperty(anyPoisoning, async ({ any, name, batch }) => {
          const made = poisoned(story, name, any);
          fc.pre(made !== null);
          const { events } = made;
          const { stream, revision } = story[made.at] ?? { stream: '', revision: 0 };
          const id = stream.slice('track-'.length);
          await startAgain();
          await follow(events, batch);
          const others = clean.filter((row) => !row.startsWith(`(${id},`) && !row.startsWith(`(${stream},`));
          expect(await rowsOf(`track_id <> '${id}'`)).toEqual(others);
          const [own, held] = [await rowsOf(`track_id = '${id}'`), await parked()];
          expect(held.every((one) => one.includes(` ${stream} ${revision}..`))).toBe(true);
          await startAgain();
          const ledger = memoryLedger(events, { batch, wholeStreams: true });
          const upTo = String(events.length);
          const { signal } = new AbortController();
          await fill({ ledger, url, schema: liveSchema, upTo, signal });
          expect([await rowsOf(`track_id = '${id}'`), await parked()]).toEqual([own, held]);
        }),
        runs(20, 100_000),
      );
    },
    within(120_000),
  );

  it('what only the database knows to refuse, such as the size of an index entry, parks as any other', async () => {
    await query('CREATE INDEX ON enrichment.tracks (title)');
    const title = randomBytes(6000).toString('base64');
    const events = story.map((one) =>
      one.stream === 'track-0' && one.type === 'Enriched' ? { ...one, data: { ...one.data, title } } : one,
    );
    for (const batch of [1, 100]) {
      await startAgain();
      await follow(events, batch);
      expect(await parked()).toEqual(['tracks track-0 4..4']);
      expect(await query(`SELECT status FROM enrichment.tracks WHERE track_id = '0'`)).toEqual([
        { status: 'in_progress' },
      ]);
      expect(await query('SELECT sum(calls)::int AS calls FROM enrichment.metrics')).toEqual([{ calls: 18 }]);
    }
  });
});

describe('what an operator does about a parked stream', () => {
  let ledger: Ledger;
  let projector: Projector;
  beforeEach(async () => {
    ledger = await storage.open();
    projector = startProjector({ ledger, url });
  });
  afterEach(() => projector.stop());

  const stories = storyOfTracks(3);
  const newEvent = ({ type, data, metadata }: NewEvent): NewEvent => ({
    id: randomUUID(),
    type,
    data,
    metadata,
  });

  async function tell(events: readonly RecordedEvent[]): Promise<void> {
    for (const event of events) {
      const expected = event.revision === 0 ? 'no-stream' : event.revision - 1;
      const { kind } = await ledger.append(event.stream, expected, [newEvent(event)]);
      if (kind !== 'appended') throw new Error('There was a conflict.');
    }
  }

  const ask = (request: 'retry' | 'skip') =>
    requestRelease(url, { request, stream: null, readModel: null, by: 'me', why: 'because' });
  const until = (held: readonly string[]) =>
    expect.poll(parked, { timeout: caughtUpMsMax, interval: 100 }).toEqual(held);

  it('a retry after the cause is gone drains the track in order; before, it parks again and counts', async () => {
    await query(
      `ALTER TABLE enrichment.tracks ADD CONSTRAINT cause CHECK (genre IS NULL OR track_id <> '1')`,
    );
    await tell(stories);
    await projector.waitUntilCaughtUp(caughtUpMsMax);
    expect(await parked()).toEqual(['tracks track-1 4..4']);
    await ask('retry');
    const attempts = async () =>
      (await query('SELECT attempts, request FROM enrichment.projection_quarantine'))[0];
    await expect
      .poll(attempts, { timeout: caughtUpMsMax, interval: 100 })
      .toEqual({ attempts: 2, request: null });
    await query('ALTER TABLE enrichment.tracks DROP CONSTRAINT cause');
    await ask('retry');
    await until([]);
    await expectTrue(ledger, url);
  }, 60_000);

  it('a retry is done also while events keep arriving for the track', async () => {
    await query('ALTER TABLE enrichment.tracks ADD CONSTRAINT cause CHECK (false) NOT VALID');
    await tell(stories.slice(0, 1));
    await projector.waitUntilCaughtUp(caughtUpMsMax);
    expect(await parked()).toEqual(['tracks track-0 0..0']);
    await query('ALTER TABLE enrichment.tracks DROP CONSTRAINT cause');
    let arriving = true;
    let revision = 0;
    const [, call] = stories;
    if (call === undefined) throw new Error('There is no call.');
    const arrivals = (async () => {
      for (; arriving; revision++) await ledger.append('track-0', revision, [newEvent(call)]);
    })();
    await expect
      .poll(async () => (await parked())[0], { timeout: caughtUpMsMax })
      .not.toBe('tracks track-0 0..0');
    await ask('retry');
    await until([]);
    arriving = false;
    await arrivals;
    await projector.waitUntilCaughtUp(caughtUpMsMax);
    const [row] = await query(`SELECT stream_revision FROM enrichment.tracks WHERE track_id = '0'`);
    expect(row?.stream_revision).toBe(revision);
    await expectTrue(ledger, url);
  }, 60_000);

  it('a skip passes over the one event, also when it is the first; the next poison parks again', async () => {
    const events = stories.filter(({ stream }) => stream === 'track-0');
    await tell(
      events.map((event) => ([0, 2].includes(event.revision) ? { ...event, type: 'Unheard' } : event)),
    );
    await projector.waitUntilCaughtUp(caughtUpMsMax);
    const at = (revision: number) =>
      ['metrics', 'tasks', 'tracks'].map((model) => `${model} track-0 ${revision}..4`);
    expect(await parked()).toEqual(at(0));
    await ask('skip');
    await until(at(2));
    await ask('skip');
    await until([]);
    expect(await query('SELECT sum(calls)::int AS calls FROM enrichment.metrics')).toEqual([{ calls: 2 }]);
    expect(await query('SELECT status, genre FROM enrichment.tracks')).toEqual([
      { status: 'partial', genre: 'rock' },
    ]);
    await expectTrue(ledger, url);
  }, 60_000);

  it('what was parked during a rebuild, and is no longer on the live side, is tried again before it is compared', async () => {
    await tell(stories);
    await projector.waitUntilCaughtUp(caughtUpMsMax);
    await replaceLive(ledger, url);
    // As if the rebuild had met what has been put right since.
    await migrateProjections({ url, schema: 'enrichment_next' });
    await query(`ALTER TABLE enrichment_next.tasks ADD CONSTRAINT cause CHECK (task_id <> 'task-1')`);
    const upTo = (await ledger.head()) ?? '';
    await fill({ ledger, url, schema: 'enrichment_next', upTo, signal: new AbortController().signal });
    expect(await query('SELECT stream FROM enrichment_next.projection_quarantine')).toEqual([
      { stream: 'track-1' },
    ]);
    await query('ALTER TABLE enrichment_next.tasks DROP CONSTRAINT cause');
    const { comparison } = await rebuild({
      ledger,
      url,
      fromScratch: false,
      signal: new AbortController().signal,
      onProgress: () => undefined,
      samplesMax: 3,
      mayReplace: ({ changes }) => changes === 0,
    });
    expect(comparison?.changes).toBe(0);
    expect(await parked()).toEqual([]);
  }, 60_000);
});
