import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ledger, LedgerUnavailable } from '../../src/ledger/ledger.ts';
import { openPostgresLedger } from '../../src/ledger/postgres.ts';
import { ledgerContract } from './contract.ts';
import { eventsOf, follow, idsOf } from './events.ts';
import { openPostgresStorage, type PostgresStorage } from './postgres-storage.ts';

ledgerContract('the PostgreSQL ledger', openPostgresStorage);

describe('the PostgreSQL ledger', () => {
  let storage: PostgresStorage;
  let ledger: Ledger;
  beforeEach(async () => {
    storage = await openPostgresStorage();
    ledger = await storage.open();
  });
  afterEach(() => storage.drop());

  const terminateAll = () =>
    storage.database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );

  it('makes its schema once, however many open it at once', async () => {
    const { url } = storage.database;
    const ledgers = await Promise.all(Array.from({ length: 6 }, () => openPostgresLedger({ url })));
    await Promise.all(ledgers.map((one) => one.close()));
    expect(await storage.database.query('SELECT position FROM ledger.head')).toEqual([{ position: '0' }]);
  });

  it('writes appends that come together in one transaction', async () => {
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => ledger.append(`track-${n}`, 'no-stream', eventsOf(2))),
    );
    const ids = await storage.database.query('SELECT DISTINCT xmin::text AS id FROM ledger.events');
    expect(ids.length).toBeLessThanOrEqual(2);
  });

  it('of two writers that start the same streams one has each, and positions have no gap', async () => {
    const streams = Array.from({ length: 60 }, (_, n) => `track-${n}`);
    const other = await openPostgresLedger({ url: storage.database.url });
    // A few at a time, so that the batches of both meet in many ways.
    for (let from = 0; from < streams.length; from += 6) {
      const some = streams.slice(from, from + 6);
      const both = await Promise.all(
        some.map(async (stream, n) => {
          const writers = n % 2 === 0 ? [ledger, other] : [other, ledger];
          return Promise.all(writers.map((one) => one.append(stream, 'no-stream', eventsOf(2))));
        }),
      );
      for (const results of both) {
        expect(results.map(({ kind }) => kind).sort()).toEqual(['appended', 'conflict']);
        expect(results).toContainEqual({ kind: 'conflict', actual: 1 });
      }
    }
    await other.close();
    const [row] = await storage.database.query(
      `SELECT count(*) AS events, max(position) AS last, (SELECT position FROM ledger.head) AS head FROM ledger.events`,
    );
    expect(row).toEqual({ events: '120', last: '120', head: '120' });
  });

  it('loses and doubles nothing when every connection is cut, again and again', async () => {
    const streams = 30;
    const rounds = 6;
    const total = streams * rounds;
    const following = follow(ledger, ['track-'], { enough: (events) => events.length >= total });
    let cutting = true;
    const cuts = (async () => {
      while (cutting) {
        await sleep(60);
        await terminateAll();
      }
    })();
    await Promise.all(
      Array.from({ length: streams }, async (_, n) => {
        for (let round = 0; round < rounds; round++) {
          const expected = round === 0 ? 'no-stream' : round - 1;
          expect(await ledger.append(`track-${n}`, expected, eventsOf(1, round))).toEqual({
            kind: 'appended',
            revision: round,
          });
          await sleep(10);
        }
      }),
    );
    cutting = false;
    await cuts;
    const { events } = await following;
    expect(new Set(idsOf(events)).size).toBe(total);
    expect(events).toHaveLength(total);
  }, 40_000);

  it('does not let a subscription pass what another writer has yet to commit', async () => {
    await ledger.append('track-a', 'no-stream', eventsOf(1));
    const { url } = storage.database;
    const slow = new pg.Client({ connectionString: url });
    slow.on('error', () => undefined);
    await slow.connect();
    await slow.query('BEGIN');
    await slow.query('SELECT position FROM ledger.head FOR UPDATE');
    const blocked = ledger.append('track-b', 'no-stream', eventsOf(1));
    await slow.query(
      `INSERT INTO ledger.events (position, stream, revision, id, type, data, metadata)
       VALUES (2, 'track-slow', 0, gen_random_uuid(), 'Happened', '{}', '{}')`,
    );
    await slow.query('UPDATE ledger.head SET position = 2');
    const early = await follow(ledger, ['track-']);
    expect(early.events.map(({ stream }) => stream)).toEqual(['track-a']);
    await slow.query('COMMIT');
    await slow.end();
    await blocked;
    const { events } = await follow(ledger, ['track-'], { after: early.position });
    expect(events.map(({ stream }) => stream)).toEqual(['track-slow', 'track-b']);
  });

  it('says that it is unavailable, and why, when the database is gone for good', async () => {
    const { url } = storage.database;
    const gone = await openPostgresLedger({ url, fault: () => new Error('gone') });
    await storage.database.query('ALTER TABLE ledger.events RENAME TO elsewhere');
    const append = gone.append('track-a', 'no-stream', eventsOf(1));
    await expect(append).rejects.toBeInstanceOf(LedgerUnavailable);
    await expect(gone.read('track-a')).rejects.toBeInstanceOf(LedgerUnavailable);
    await gone.close();
    await expect(gone.head()).rejects.toBeInstanceOf(LedgerUnavailable);
  });
});
