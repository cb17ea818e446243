import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TrackEvent } from '../../src/domain/events.ts';
import { trackStream } from '../../src/domain/stream-names.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { rowAsOf } from '../../src/projections/as-of.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { startProjector } from '../../src/projections/projector.ts';
import { columnChanges, openStoredRows } from '../../src/projections/stored-row.ts';
import { allTrackIds } from '../../src/projections/track-ids.ts';
import { applyToTrack } from '../../src/projections/tracks.ts';
import { openPostgresStorage, type PostgresStorage } from '../ledger/postgres-storage.ts';
import { anyTracks, appendInTurn, factsOf, recordedOf } from './recorded.ts';

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

async function startAgain(): Promise<void> {
  await storage.database.query('TRUNCATE ledger.events');
  await storage.database.query('UPDATE ledger.head SET position = 0');
  await storage.database.query('DROP SCHEMA enrichment CASCADE');
  await migrateProjections({ url });
}

const inOrder = (tracks: ReadonlyMap<string, readonly TrackEvent[]>) =>
  [...tracks].flatMap(([trackId, events]) => events.map(() => trackId));

it('at the head it is the live row, at any revision and time the fold up to there', async () => {
  await fc.assert(
    fc.asyncProperty(anyTracks, fc.nat(), async (tracks, at) => {
      await startAgain();
      await appendInTurn(ledger, tracks, inOrder(tracks));
      const projector = startProjector({ ledger, url });
      await projector.waitUntilCaughtUp(15_000).finally(projector.stop);
      const rows = await openStoredRows(url);
      const listed = new Set<string>();
      for await (const page of allTrackIds(url)) for (const id of page) listed.add(id);
      for (const [trackId, events] of tracks) {
        const recorded = await ledger.read(trackStream(trackId));
        const { row, stuck } = rowAsOf(trackId, recorded);
        const live = await rows.live(trackId);
        expect(stuck).toBeNull();
        expect(columnChanges(live, row === null ? null : await rows.asStored(row))).toEqual([]);
        expect(listed.has(trackId)).toBe(row !== null);
        if (events.length === 0) continue;
        const revision = at % events.length;
        const fold = (facts: ReturnType<typeof recordedOf>) =>
          factsOf(facts).reduce<typeof row>((known, fact) => applyToTrack(known, trackId, fact), null);
        const upTo = rowAsOf(trackId, recorded, { revision });
        expect(upTo.row).toEqual(fold(recordedOf(events).slice(0, revision + 1)));
        expect(upTo.revision).toBe(revision);
        const time = events[revision]?.meta.occurredAt ?? '';
        const till = recordedOf(events).filter(({ event }) => event.meta.occurredAt <= time);
        expect(rowAsOf(trackId, recorded, { time }).row).toEqual(fold(till));
      }
      await rows.close();
    }),
    { numRuns: 15 },
  );
}, 120_000);

it('stops where an event cannot be read, as the projector does, and says so', async () => {
  const [tracks] = fc.sample(
    anyTracks.filter((all) => (all.get('track 0')?.length ?? 0) > 2),
    1,
  );
  const events = tracks?.get('track 0') ?? [];
  await appendInTurn(ledger, new Map([['a', events]]), inOrder(new Map([['a', events]])));
  const recorded = [...(await ledger.read(trackStream('a')))];
  const spoiled = recorded.with(1, { ...recorded[1], type: 'Unheard' } as (typeof recorded)[number]);
  const { row, revision, stuck } = rowAsOf('a', spoiled);
  expect(row).toEqual(rowAsOf('a', recorded, { revision: 0 }).row);
  expect(revision).toBe(0);
  expect(stuck).toContain('Unheard');
});
