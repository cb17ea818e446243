import { randomUUID } from 'node:crypto';
import { EventStoreDBClient } from '@eventstore/db-client';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ledger, LedgerRefusal } from '../../../src/ledger/ledger.ts';
import { randomFrom } from '../../support/random.ts';
import { eventsOf, idsOf } from '../events.ts';
import type { Storage } from '../storage.ts';
import { appendManyTimes } from './many-appends.ts';
import { describeOnEveryServer, type EventStoreServer } from './servers.ts';
import { openEventStoreStorage } from './storage.ts';

/** Faults that any server shows when it is asked for them. */
describeOnEveryServer('without a hook', (start) => {
  let server: EventStoreServer;
  let storage: Storage;
  let ledger: Ledger;
  beforeAll(async () => {
    server = await start();
    storage = await openEventStoreStorage(server.url);
    ledger = await storage.open();
  });
  afterAll(async () => {
    await storage.drop();
    await server.stop();
  });

  it('equal appends at once are one, and all of them say so', { timeout: 60_000 }, async () => {
    const events = eventsOf(3);
    const results = await Promise.all(
      Array.from({ length: 8 }, () => ledger.append('track-a', 'no-stream', events)),
    );
    expect(results).toEqual(results.map(() => ({ kind: 'appended', revision: 2 })));
    expect(idsOf(await ledger.read('track-a'))).toEqual(idsOf(events));
  });

  it('of different appends at one revision one wins, and the others hear where the stream is', async () => {
    const results = await Promise.all(
      Array.from({ length: 8 }, () => ledger.append('track-b', 'no-stream', eventsOf(1))),
    );
    expect(results.filter(({ kind }) => kind === 'appended')).toHaveLength(1);
    expect(results.filter(({ kind }) => kind === 'conflict')).toHaveLength(7);
    expect(await ledger.read('track-b')).toHaveLength(1);
  });

  it('a stream that was deleted for ever is refused, and named', async () => {
    const stream = `track-${randomUUID()}`;
    const bare = EventStoreDBClient.connectionString(server.url);
    await bare.tombstoneStream(stream);
    await bare.dispose();
    const other = await openEventStoreStorage(server.url, '');
    const appending = (await other.open()).append(stream, 'no-stream', eventsOf(1));
    await expect(appending).rejects.toBeInstanceOf(LedgerRefusal);
    await expect(appending).rejects.toThrow(`${stream}: the stream was deleted for ever`);
    await other.drop();
  });

  it('2,000 appends from four writers, duplicates among them, stand once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const few = { writers: 4, streamsPerWriter: 25, appendsPerStream: 20 };
        const fresh = await openEventStoreStorage(server.url);
        await appendManyTimes(await fresh.open(), randomFrom(seed), few);
        await fresh.drop();
      }),
      { numRuns: 1, endOnFailure: true },
    );
  }, 240_000);
});
