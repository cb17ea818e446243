import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrackEvent } from '../../src/domain/events.ts';
import type { Ledger, SubscriptionMessage } from '../../src/ledger/ledger.ts';
import { openPostgresLedger } from '../../src/ledger/postgres.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { startProjector } from '../../src/projections/projector.ts';
import { openTrackQueries } from '../../src/projections/queries.ts';
import type { TrackRow } from '../../src/projections/schema.ts';
import { setPause } from '../../src/projections/status.ts';
import { applyToTrack } from '../../src/projections/tracks.ts';
import { eventOf } from '../ledger/events.ts';
import { openPostgresStorage, type PostgresStorage } from '../ledger/postgres-storage.ts';
import { openDoor } from '../support/door.ts';
import { runs, within } from '../support/runs.ts';
import { anyTracks, appendInTurn, factsOf, interleavings, recordedOf } from './recorded.ts';

const caughtUpMsMax = 15_000;

let storage: PostgresStorage;
let ledger: Ledger;
let url = '';
beforeEach(async () => {
  storage = await openPostgresStorage();
  ledger = await storage.open();
  url = storage.database.url;
  await migrateProjections({ url });
});
afterEach(() => storage.drop());

/** The table as a set of rows, by track. */
async function table(trackIds: Iterable<string>): Promise<Map<string, TrackRow>> {
  const queries = openTrackQueries({ url });
  const rows = await Promise.all([...trackIds].map((trackId) => queries.findTrack(trackId)));
  await queries.close();
  return new Map(rows.flatMap((row) => (row === null ? [] : [[row.trackId, row] as const])));
}

/** What the table has to be: each track folded whole. */
function folded(tracks: ReadonlyMap<string, readonly TrackEvent[]>): Map<string, TrackRow> {
  const rows = new Map<string, TrackRow>();
  for (const [trackId, events] of tracks) {
    const row = factsOf(recordedOf(events)).reduce<TrackRow | null>(
      (known, fact) => applyToTrack(known, trackId, fact),
      null,
    );
    if (row !== null) rows.set(trackId, row);
  }
  return rows;
}

/** The same ledger, whose subscriptions come in batches of other sizes and hand events over again. */
function rebatched(sizes: readonly number[], again: boolean): Ledger {
  return {
    ...ledger,
    async *subscribe(options) {
      let turn = 0;
      for await (const message of ledger.subscribe(options)) {
        if (message.kind !== 'events') {
          yield message;
          continue;
        }
        let left = message.events;
        while (left.length > 0) {
          const size = sizes[turn++ % sizes.length] ?? 1;
          const events = left.slice(0, size);
          left = left.slice(size);
          const batch: SubscriptionMessage = {
            kind: 'events',
            events,
            position: events.at(-1)?.position ?? message.position,
          };
          yield batch;
          if (again) yield batch;
        }
      }
    },
  };
}

async function project(from: Ledger): Promise<void> {
  const projector = startProjector({ ledger: from, url });
  try {
    await projector.waitUntilCaughtUp(caughtUpMsMax);
  } finally {
    await projector.stop();
  }
}

const restart = async () => {
  await storage.database.query('TRUNCATE enrichment.tracks, enrichment.tasks, enrichment.metrics');
  await storage.database.query('TRUNCATE enrichment.projection_quarantine');
  await storage.database.query(
    'UPDATE enrichment.projection_checkpoint SET position = NULL, epoch = epoch + 1',
  );
};

describe('the projector', () => {
  it(
    'makes the table that folding each track whole makes, whatever the order, the batches, the repetitions',
    async () => {
      const world = anyTracks.chain((tracks) =>
        fc.record({
          tracks: fc.constant(tracks),
          turns: interleavings(tracks),
          sizes: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 }),
          again: fc.boolean(),
        }),
      );
      await fc.assert(
        fc.asyncProperty(world, async ({ tracks, turns, sizes, again }) => {
          await storage.database.query('TRUNCATE ledger.events');
          await storage.database.query('UPDATE ledger.head SET position = 0');
          await restart();
          await appendInTurn(ledger, tracks, turns);
          await project(rebatched(sizes, again));
          const live = await table(tracks.keys());
          expect(live).toEqual(folded(tracks));
          await restart();
          await project(ledger);
          expect(await table(tracks.keys())).toEqual(live);
        }),
        runs(12, 50_000),
      );
    },
    within(60_000),
  );

  it('goes on where it stopped when its connections are cut at any time', async () => {
    const [tracks] = fc.sample(
      anyTracks.filter((all) => [...all.values()].flat().length > 20),
      1,
    );
    if (tracks === undefined) throw new Error('There is no sample.');
    const turns = [...tracks].flatMap(([trackId, events]) => events.map(() => trackId));
    const projector = startProjector({ ledger: rebatched([1], false), url });
    let cutting = true;
    const cuts = (async () => {
      while (cutting) {
        await sleep(30);
        await storage.database.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'enrichment-projections' AND datname = current_database()`,
        );
      }
    })();
    await appendInTurn(ledger, tracks, turns);
    await sleep(300);
    cutting = false;
    await cuts;
    await projector.waitUntilCaughtUp(caughtUpMsMax);
    await projector.stop();
    expect(await table(tracks.keys())).toEqual(folded(tracks));
  }, 60_000);

  it('moves its checkpoint with the rows, or not at all', async () => {
    const [tracks] = fc.sample(
      anyTracks.filter((all) => [...all.values()].flat().length > 5),
      1,
    );
    if (tracks === undefined) throw new Error('There is no sample.');
    const turns = [...tracks].flatMap(([trackId, events]) => events.map(() => trackId));
    await appendInTurn(ledger, tracks, turns);
    await storage.database.query(
      `ALTER TABLE enrichment.projection_checkpoint ADD CONSTRAINT stuck CHECK (position IS NULL)`,
    );
    const projector = startProjector({ ledger, url });
    await expect(projector.waitUntilCaughtUp(500)).rejects.toThrow(/stand still/);
    expect(await table(tracks.keys())).toEqual(new Map());
    await storage.database.query('ALTER TABLE enrichment.projection_checkpoint DROP CONSTRAINT stuck');
    await projector.waitUntilCaughtUp(caughtUpMsMax);
    await projector.stop();
    expect(await table(tracks.keys())).toEqual(folded(tracks));
  });

  it('parks the streams of events that it cannot read, in each read model that follows them', async () => {
    await ledger.append('track-a', 'no-stream', [eventOf({}, 'Unheard'), eventOf({ status: 1 }, 'Enriched')]);
    await ledger.append('message-b', 'no-stream', [eventOf({}, 'Failed')]);
    const projector = startProjector({ ledger, url });
    await projector.waitUntilCaughtUp(caughtUpMsMax);
    const parked = projector.parked.map(({ readModel, stream, revision, seenRevision }) =>
      [readModel, stream, revision, seenRevision].join(' '),
    );
    await projector.stop();
    expect(parked.toSorted()).toEqual([
      'metrics track-a 0 1',
      'tasks message-b 0 0',
      'tasks track-a 0 1',
      'tracks track-a 0 1',
    ]);
    expect(await table(['a'])).toEqual(new Map());
  });

  it('is one at a time: a second waits for the lock, and takes over when the first stops', async () => {
    const [tracks] = fc.sample(
      anyTracks.filter((all) => [...all.values()].flat().length > 5),
      1,
    );
    if (tracks === undefined) throw new Error('There is no sample.');
    const turns = [...tracks].flatMap(([trackId, events]) => events.map(() => trackId));
    const first = startProjector({ ledger, url });
    const second = startProjector({ ledger, url });
    await appendInTurn(ledger, tracks, turns.slice(0, 3));
    await first.waitUntilCaughtUp(caughtUpMsMax);
    await first.stop();
    await appendInTurn(
      ledger,
      new Map([['later', tracks.values().next().value ?? []]]),
      (tracks.values().next().value ?? []).map(() => 'later'),
    );
    await second.waitUntilCaughtUp(caughtUpMsMax);
    await second.stop();
    const [row] = await storage.database.query('SELECT position FROM enrichment.projection_checkpoint');
    expect(row?.position).toBe(await ledger.head());
  });

  it('waits for a ledger that is away, and goes on when it is back', async () => {
    const { hostname, port } = new URL(url);
    const door = await openDoor({ host: hostname, port: Number(port) });
    const behindDoor = new URL(url);
    [behindDoor.hostname, behindDoor.port] = ['127.0.0.1', String(door.port)];
    const away = await openPostgresLedger({ url: behindDoor.href });
    const projector = startProjector({ ledger: away, url });
    await projector.waitUntilCaughtUp(caughtUpMsMax);
    door.cut();
    for (const name of ['a', 'b']) {
      await ledger.append(`track-${name}`, 'no-stream', [eventOf({}, 'Unheard')]);
      await sleep(700);
    }
    expect([...projector.parked]).toEqual([]);
    door.mend();
    await projector.waitUntilCaughtUp(caughtUpMsMax);
    expect([...projector.parked]).toHaveLength(6);
    await projector.stop();
    await away.close();
    await door.close();
  }, 60_000);

  it('stands still while it is paused, and goes on from there', async () => {
    const states: string[] = [];
    const projector = startProjector({ ledger, url, onState: (state) => states.push(state) });
    await projector.waitUntilCaughtUp(caughtUpMsMax);
    await setPause(url, 'me');
    await expect.poll(() => projector.state, { timeout: caughtUpMsMax }).toBe('paused');
    await ledger.append('track-a', 'no-stream', [eventOf({}, 'Unheard')]);
    await sleep(1500);
    expect([...projector.parked]).toEqual([]);
    expect(projector.state).toBe('paused');
    await expect(projector.waitUntilCaughtUp(100)).rejects.toThrow(/stand still/);
    await setPause(url, null);
    await projector.waitUntilCaughtUp(caughtUpMsMax);
    expect([...projector.parked]).toHaveLength(3);
    await setPause(url, 'me');
    await ledger.append('track-b', 'no-stream', [eventOf({}, 'Unheard')]);
    await expect.poll(() => projector.state, { timeout: caughtUpMsMax }).toBe('paused');
    // Also where a batch waits for the end of the pause.
    const startedMs = performance.now();
    await projector.stop();
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(states).not.toContain('in-trouble');
  }, 60_000);

  it('says within its time that it is not caught up, and stops at once', async () => {
    const holder = startProjector({ ledger, url });
    await holder.waitUntilCaughtUp(caughtUpMsMax);
    await sleep(200);
    const waiting = startProjector({ ledger: { ...ledger, head: async () => '99' }, url });
    await expect(waiting.waitUntilCaughtUp(300)).rejects.toThrow(/for 300 ms/);
    const startedMs = performance.now();
    await Promise.all([waiting.stop(), holder.stop()]);
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });
});

describe('the questions to the read models', () => {
  it('finds tracks by words of artist and title together, taken literally, in any case', async () => {
    await storage.database.query(
      `INSERT INTO enrichment.tracks (track_id, artist, title, status, attempts, left_out, enrichment_sources,
         provenance, stream_revision, updated_at)
       SELECT name, name, title, 'pending', 0, '{}', '{}', '{}', 0, now()
         FROM (VALUES ('Zoë', '100% Sun'), ('zed', '1000 Suns'), ('Back\\slash', 'under_score')) AS t(name, title)`,
    );
    const queries = openTrackQueries({ url });
    const found = async (...words: string[]) =>
      (await queries.searchTracks(words, 10)).map(({ trackId }) => trackId);
    expect(await found('SUN')).toEqual(['Zoë', 'zed']);
    expect(await found('sun', '100%')).toEqual(['Zoë']);
    expect(await found('zo', 'sun')).toEqual(['Zoë']);
    expect(await found('r_s')).toEqual(['Back\\slash']);
    expect(await found('k\\s')).toEqual(['Back\\slash']);
    expect(await queries.searchTracks(['s'], 1)).toHaveLength(1);
    await queries.close();
  });
});
