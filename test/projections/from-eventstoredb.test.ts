import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { startProjector } from '../../src/projections/projector.ts';
import { rollBack } from '../../src/projections/roll-back.ts';
import { openEventStoreStorage } from '../ledger/eventstoredb/storage.ts';
import type { Storage } from '../ledger/storage.ts';
import { type StandIn, startStandIn } from '../support/eventstoredb/server.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { caughtUpMsMax, expectTrue, replaceLive, storyOfTracks } from './made-live.ts';

const given = process.env.TEST_EVENTSTORE_URL;
let standIn: StandIn | null = null;
let storage: Storage;
let database: FreshDatabase;
let ledger: Ledger;
beforeAll(async () => {
  if (given === undefined || given === '') standIn = await startStandIn();
  storage = await openEventStoreStorage(standIn?.url ?? given ?? '');
  ledger = await storage.open();
  database = await freshDatabase();
  await migrateProjections({ url: database.url });
});
afterAll(async () => {
  await storage.drop();
  await database.drop();
  await standIn?.stop();
});

it('from EventStoreDB a rebuild, a rollback and following come to the same, while appends go on', async () => {
  const { url } = database;
  const projector = startProjector({ ledger, url });
  const tell = async (from: number, to: number) => {
    for (const { type, data, metadata, stream, revision } of storyOfTracks(to)) {
      if (Number(stream.slice('track-'.length)) < from) continue;
      const expected = revision === 0 ? 'no-stream' : revision - 1;
      await ledger.append(stream, expected, [{ id: randomUUID(), type, data, metadata }]);
    }
  };
  await tell(0, 10);
  await projector.waitUntilCaughtUp(caughtUpMsMax);
  const telling = tell(10, 30);
  await replaceLive(ledger, url);
  await rollBack(url);
  await rollBack(url);
  await telling;
  await projector.waitUntilCaughtUp(caughtUpMsMax);
  await projector.stop();
  await expectTrue(ledger, url);
  const [row] = await database.query('SELECT sum(calls)::int AS calls FROM enrichment.metrics');
  expect(row?.calls).toBe(90);
}, 90_000);
