import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AnswerCache } from '../../src/cache/answer-cache.ts';
import { createMemoryCache } from '../../src/cache/memory.ts';
import type { SharedAnswer } from '../../src/domain/answer.ts';
import type { ApiCalled } from '../../src/domain/events.ts';
import { replay } from '../../src/domain/evolve.ts';
import { lookupKey } from '../../src/domain/lookup.ts';
import { standingOf } from '../../src/domain/state.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { decodeTrackEvent } from '../../src/ledger/track-events.ts';
import { forgetPrevious } from '../../src/projections/forget-previous.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { startProjector } from '../../src/projections/projector.ts';
import { prove, rebuild } from '../../src/projections/rebuild.ts';
import { eraseTrack } from '../../src/workers/erase.ts';
import { openPostgresStorage, type PostgresStorage } from '../ledger/postgres-storage.ts';
import { runs, within } from '../support/runs.ts';
import { anyTracks, appendInTurn, interleavings } from './recorded.ts';

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

const said = { by: 'test', why: 'asked for' };
const quiet = { signal: new AbortController().signal, onProgress: () => undefined, samplesMax: 5 };
const services = () => ({ ledger, cache: null, now: Date.now, newId: randomUUID });

async function project(): Promise<void> {
  const projector = startProjector({ ledger, url });
  await projector.waitUntilCaughtUp(15_000).finally(projector.stop);
}

async function startAgain(): Promise<void> {
  await storage.database.query('TRUNCATE ledger.events');
  await storage.database.query('UPDATE ledger.head SET position = 0');
  for (const schema of ['enrichment', 'enrichment_prev', 'enrichment_next'])
    await storage.database.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await migrateProjections({ url });
}

const lines = async (table: string, where: string) =>
  (
    await storage.database.query(
      `SELECT t::text AS line FROM enrichment.${table} AS t WHERE ${where} ORDER BY t::text COLLATE "C"`,
    )
  ).map(({ line }) => line);

function lastingCache(): AnswerCache {
  return createMemoryCache({
    ttlMs: { spotify: 1e12, musicbrainz: 1e12, lastfm: 1e12 },
    bytesMax: 1e6,
    now: () => 0,
  });
}

function sharedOf({ id, data: { provider, lookup } }: ApiCalled): SharedAnswer {
  const answer = { kind: 'missing', reason: 'no-result', bodyHash: '' } as const;
  return { provider, lookup, answer, calledAt: new Date(0).toISOString(), eventId: id };
}

/** Fails at one of the steps that change something, before it is done or behind it; as if the process had died there. */
function dyingAt(step: number, isDone: boolean, cache: AnswerCache) {
  let steps = 0;
  const guarded =
    <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      const isHere = steps++ === step;
      if (isHere && !isDone) throw new Error('It died.');
      const result = await work(...args);
      if (isHere) throw new Error('It died.');
      return result;
    };
  return {
    ...services(),
    ledger: { ...ledger, append: guarded(ledger.append), cut: guarded(ledger.cut) },
    cache: { ...cache, forget: guarded(cache.forget) },
  };
}

it(
  'an erasure that dies at any step has done all when it was repeated',
  async () => {
    const anyCalled = anyTracks
      .map((all) => all.get('track 0') ?? [])
      .filter(
        (events) => events.some(({ type }) => type === 'ApiCalled') && events.at(-1)?.type !== 'Erased',
      );
    await fc.assert(
      fc.asyncProperty(anyCalled, fc.boolean(), fc.nat(6), async (events, isDone, step) => {
        await startAgain();
        await appendInTurn(
          ledger,
          new Map([['track 0', events]]),
          events.map(() => 'track 0'),
        );
        const cache = lastingCache();
        const calls = events.filter((event) => event.type === 'ApiCalled');
        for (const call of calls)
          await cache.set(lookupKey(call.data.provider, call.data.lookup), sharedOf(call));
        const died = await eraseTrack('track 0', said, dyingAt(step, isDone, cache)).catch(() => null);
        if (died === null) await eraseTrack('track 0', said, { ...services(), cache });
        for (const { data } of calls)
          expect(await cache.get(lookupKey(data.provider, data.lookup))).toBeNull();
        const left = await ledger.read('track-track 0');
        expect(left.map(({ type }) => type)).toEqual(['Erased']);
      }),
      runs(40, 100_000),
    );
  },
  within(120_000),
);

it(
  'an erased track is gone from ledger and read models, the others and what was counted stay, and a rebuild agrees',
  async () => {
    const world = anyTracks.chain((tracks) =>
      fc.record({ tracks: fc.constant(tracks), turns: interleavings(tracks), followed: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(world, async ({ tracks, turns, followed }) => {
        await startAgain();
        await appendInTurn(ledger, tracks, turns);
        await project();
        const others = `track_id <> 'track 0'`;
        const before = [
          await lines('tracks', others),
          await lines('tasks', others),
          await lines('metrics', 'true'),
        ];
        const isThere = (tracks.get('track 0') ?? []).length > 0;
        const erasure = await eraseTrack('track 0', said, services());
        expect(erasure.kind).toBe(
          isThere ? (tracks.get('track 0')?.at(-1)?.type === 'Erased' ? 'again' : 'erased') : 'unknown',
        );
        if (followed) await project();
        else {
          // Whoever comes later finds the stream cut.
          await storage.database.query('DROP SCHEMA enrichment CASCADE');
          await migrateProjections({ url });
          await project();
        }
        const after = [
          await lines('tracks', others),
          await lines('tasks', others),
          await lines('metrics', 'true'),
        ];
        // Streams of generators may hold an `Erased` without counts in their midst: what it cut was never counted there.
        expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
        const hasOther = [...tracks.values()].flat().some(({ type }) => type === 'Erased');
        if (!hasOther) expect(after[2]).toEqual(before[2]);
        expect(await lines('tracks', `track_id = 'track 0'`)).toEqual([]);
        expect(await lines('tasks', `track_id = 'track 0'`)).toEqual([]);
        if (isThere) expect((await ledger.read('track-track 0')).map(({ type }) => type)).toEqual(['Erased']);
        if (!hasOther) expect((await prove({ ...quiet, ledger, url })).changes).toBe(0);
      }),
      runs(20, 150_000),
    );
  },
  within(180_000),
);

it('is also gone from what the last swap replaced, from the cache, and a late delivery of its task brings nothing back', async () => {
  const [tracks] = fc.sample(
    anyTracks.filter((all) => (all.get('track 0') ?? []).some(({ type }) => type === 'ApiCalled')),
    { numRuns: 1, seed: 11 },
  );
  if (tracks === undefined) throw new Error('There is no sample.');
  await appendInTurn(
    ledger,
    tracks,
    [...tracks].flatMap(([trackId, events]) => events.map(() => trackId)),
  );
  await project();
  await rebuild({ ...quiet, ledger, url, fromScratch: true, mayReplace: null });
  const cache = lastingCache();
  const call = tracks.get('track 0')?.find(({ type }) => type === 'ApiCalled');
  if (call?.type !== 'ApiCalled') throw new Error('There is no call.');
  const { provider, lookup } = call.data;
  await cache.set(lookupKey(provider, lookup), sharedOf(call));
  expect(await cache.get(lookupKey(provider, lookup))).not.toBeNull();
  await eraseTrack('track 0', said, { ...services(), cache });
  await forgetPrevious(url, 'track 0', 'track-track 0');
  await project();
  expect(await cache.get(lookupKey(provider, lookup))).toBeNull();
  for (const schema of ['enrichment', 'enrichment_prev']) {
    for (const table of ['tracks', 'tasks']) {
      const rows = await storage.database.query(`SELECT FROM ${schema}.${table} WHERE track_id = 'track 0'`);
      expect(rows, `${schema}.${table}`).toHaveLength(0);
    }
  }
  const events = (await ledger.read('track-track 0')).flatMap((one) => {
    const decoded = decodeTrackEvent(one);
    return 'event' in decoded ? [decoded] : [];
  });
  const state = replay(events);
  for (const { meta } of tracks.get('track 0') ?? []) {
    const late = { taskId: meta.taskId, hop: 0, origin: { kind: 'request' } as const };
    if (state.erased?.taskIds.includes(meta.taskId)) expect(standingOf(state, late)).toBe('erased');
  }
  expect(await eraseTrack('track 0', said, services())).toMatchObject({ kind: 'again' });
}, 60_000);
