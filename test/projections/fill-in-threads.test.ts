import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { liveSchema, nextSchema } from '../../src/projections/database.ts';
import { fill } from '../../src/projections/fill.ts';
import { openFollower } from '../../src/projections/follower.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { expectSame, storyOfTracks, withClient } from './made-live.ts';
import { memoryLedger } from './memory-ledger.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

/** Beyond what is folded without threads. */
const story = storyOfTracks(6000);
const upTo = String(story.length);

/** Given up after so many events, then begun again. */
async function filled(ledger: Ledger, schema: string, stopAfter: number): Promise<void> {
  const how = { ledger, url: database.url, schema, upTo, pagesPerTransaction: 2 };
  for (const step of ledger.streams === undefined
    ? (['onStaging', 'onProgress'] as const)
    : (['onProgress'] as const)) {
    const stopping = new AbortController();
    const stopped = fill({
      ...how,
      signal: stopping.signal,
      [step]: (events: number) => {
        if (events > stopAfter) stopping.abort(new Error('stopped'));
      },
    });
    await expect(stopped).rejects.toThrow('stopped');
    const [row] = await database.query(
      `SELECT (filling->>'staged')::int AS staged, (filling->>'events')::int AS events FROM ${schema}.projection_checkpoint`,
    );
    // Else the next call begins at the beginning, and nothing is shown.
    expect(row?.[step === 'onStaging' ? 'staged' : 'events']).toBeGreaterThan(0);
  }
  expect(await fill({ ...how, signal: new AbortController().signal })).toBe(story.length);
}

it.each([
  ['handed out', true],
  ['staged', false],
])(
  'what threads fold of streams that are %s is what following makes, also when it is given up and gone on with',
  async (_, wholeStreams) => {
    for (const schema of [liveSchema, nextSchema]) {
      await database.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      await migrateProjections({ url: database.url, schema });
    }
    const ledger = memoryLedger(story, { batch: 1000, wholeStreams });
    await withClient(database.url, async (client) => {
      const follower = await openFollower(client, ledger);
      for (let from = 0; from < story.length; from += 5000) {
        const events = story.slice(from, from + 5000);
        await follower.advance(events, events.at(-1)?.position ?? upTo);
      }
      await filled(ledger, nextSchema, 24_000);
      await expectSame(client, nextSchema);
    });
  },
  120_000,
);

it('tables that an earlier program left half filled, in another order, are refused with what to do', async () => {
  await database.query(`DROP SCHEMA IF EXISTS ${nextSchema} CASCADE`);
  await migrateProjections({ url: database.url, schema: nextSchema });
  await database.query(
    `UPDATE ${nextSchema}.projection_checkpoint
        SET position = '5000', filling = '{"upTo": "${upTo}", "afterStream": null, "events": 5000, "indexes": []}'`,
  );
  const filling = fill({
    ledger: memoryLedger(story, { batch: 1000, wholeStreams: false }),
    url: database.url,
    schema: nextSchema,
    upTo,
    signal: new AbortController().signal,
  });
  await expect(filling).rejects.toThrow('--from-scratch');
});
