import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { startProjector } from '../../src/projections/projector.ts';
import { prove, rebuild } from '../../src/projections/rebuild.ts';
import { rollBack } from '../../src/projections/roll-back.ts';
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
  fc.record({ tracks: fc.constant(tracks), turns: interleavings(tracks), cut: fc.nat() }),
);

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
      fc.asyncProperty(world, async ({ tracks, turns, cut }) => {
        await startAgain();
        const at = cut % (turns.length + 1);
        await appendInTurn(ledger, tracks, turns.slice(0, at));
        await project();
        const before = await dump();
        const { comparison, isSwapped } = await rebuild({
          ...quiet,
          ledger,
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
        expect((await prove({ ...quiet, ledger, url })).changes).toBe(0);
      }),
      { numRuns: 15 },
    );
  }, 120_000);
});
