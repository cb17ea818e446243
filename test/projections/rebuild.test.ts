import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { trackStream } from '../../src/domain/stream-names.ts';
import type { Ledger, NewEvent } from '../../src/ledger/ledger.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { startProjector } from '../../src/projections/projector.ts';
import { prove, rebuild } from '../../src/projections/rebuild.ts';
import { rollBack } from '../../src/projections/swap.ts';
import { openPostgresStorage, type PostgresStorage } from '../ledger/postgres-storage.ts';
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

const quiet = {
  signal: new AbortController().signal,
  onProgress: () => undefined,
  samplesMax: 5,
};

async function project(): Promise<void> {
  const projector = startProjector({ ledger, url });
  await projector.waitUntilCaughtUp(15_000).finally(projector.stop);
}

/** Every table of the read models as text, row by row. */
async function dump(): Promise<Record<string, readonly string[]>> {
  const tables: Record<string, readonly string[]> = {};
  for (const table of ['tracks', 'tasks', 'metrics']) {
    const rows = await storage.database.query(
      `SELECT t::text AS line FROM enrichment.${table} AS t ORDER BY t::text COLLATE "C"`,
    );
    tables[table] = rows.map(({ line }) => String(line));
  }
  return tables;
}

const world = anyTracks.chain((tracks) =>
  fc.record({
    tracks: fc.constant(tracks),
    turns: interleavings(tracks),
    cut: fc.nat(),
    handsOutStreams: fc.boolean(),
  }),
);

/** The same ledger, which has nothing but its global order. */
function inOrderOnly({ streams: _, ...rest }: Ledger): Ledger {
  return rest;
}

async function startAgain(): Promise<void> {
  await storage.database.query('TRUNCATE ledger.events');
  await storage.database.query('UPDATE ledger.head SET position = 0');
  for (const schema of ['enrichment', 'enrichment_prev', 'enrichment_next']) {
    await storage.database.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  }
  await migrateProjections({ url });
}

describe('a rebuild', () => {
  it('makes byte for byte what following made, finds no difference, and rolls back to what was', async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ tracks, turns, cut, handsOutStreams }) => {
        const read = handsOutStreams ? ledger : inOrderOnly(ledger);
        await startAgain();
        const at = cut % (turns.length + 1);
        await appendInTurn(ledger, tracks, turns.slice(0, at));
        await project();
        const before = await dump();
        const { comparison, isSwapped } = await rebuild({
          ...quiet,
          ledger: read,
          url,
          fromScratch: false,
          mayReplace: ({ changes }) => changes === 0,
        });
        expect(comparison?.tables.flatMap(({ samples }) => samples) ?? []).toEqual([]);
        expect(isSwapped).toBe(true);
        expect(await dump()).toEqual(before);
        if (comparison === null) return;
        await rollBack(url);
        expect(await dump()).toEqual(before);
        expect((await prove({ ...quiet, ledger: read, url })).changes).toBe(0);
      }),
      { numRuns: 15 },
    );
  }, 120_000);

  it.each([
    ['stream by stream', (it: Ledger) => it],
    ['in the global order', inOrderOnly],
  ])(
    'of thousands of tracks, one of which the database refuses, leaves out that one, %s',
    async (_, way) => {
      // Long texts, so that the server refuses while rows are still on their way to it.
      const title = 'Кино "\\t\\" '.repeat(40);
      const camelotKeys = Array.from({ length: 3000 }, (_, n) => (n === 1500 ? 'no such key' : '8A'));
      await Promise.all(
        camelotKeys.map((camelotKey, n) =>
          ledger.append(trackStream(`t${n}`), 'no-stream', enriched(title, camelotKey)),
        ),
      );
      const { isSwapped } = await rebuild({
        ...quiet,
        ledger: way(ledger),
        url,
        fromScratch: false,
        mayReplace: () => true,
      });
      expect(isSwapped).toBe(true);
      const { query } = storage.database;
      expect(
        await query('SELECT count(*)::int AS count, min(title) AS title FROM enrichment.tracks'),
      ).toEqual([{ count: 2999, title }]);
      expect(await query('SELECT count(*)::int AS count FROM enrichment.tasks')).toEqual([{ count: 3000 }]);
      expect(await query('SELECT read_model, stream FROM enrichment.projection_quarantine')).toEqual([
        { read_model: 'tracks', stream: 'track-t1500' },
      ]);
    },
    120_000,
  );
});

/** A task that ended with this title and key, of providers of which one has no name. */
function enriched(title: string, camelotKey: string): NewEvent[] {
  const source = { provider: 'spotify', eventId: 'e', revision: 0, confidence: 1 };
  return [
    {
      id: randomUUID(),
      type: 'Enriched',
      data: {
        status: 'partial',
        snapshot: { camelotKey: { value: camelotKey, ...source } },
        sources: ['spotify'],
        leftOut: [{}],
        artist: 'a',
        title,
        ruleVersion: 'r',
      },
      metadata: { occurredAt: '2026-01-01T00:00:00.000Z', taskId: 't', hop: 0, schemaVersion: 1 },
    },
  ];
}
