import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { trackStream } from '../../src/domain/stream-names.ts';
import type { Ledger, NewEvent } from '../../src/ledger/ledger.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { startProjector } from '../../src/projections/projector.ts';
import { prove, rebuild } from '../../src/projections/rebuild.ts';
import { rollBack } from '../../src/projections/roll-back.ts';
import { openPostgresStorage, type PostgresStorage } from '../ledger/postgres-storage.ts';
import { inOrderOnly } from '../ledger/stored.ts';
import { runs, within } from '../support/runs.ts';
import { storyOfTracks } from './made-live.ts';
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

async function startAgain(): Promise<void> {
  await storage.database.query('TRUNCATE ledger.events');
  await storage.database.query('UPDATE ledger.head SET position = 0');
  for (const schema of ['enrichment', 'enrichment_prev', 'enrichment_next']) {
    await storage.database.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  }
  await migrateProjections({ url });
}

describe('a rebuild', () => {
  it(
    'makes byte for byte what following made, finds no difference, and rolls back to what was',
    async () => {
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
        runs(6, 100_000),
      );
    },
    within(120_000),
  );

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

describe('what differs', () => {
  it('names the event that it comes from: the answer of a column, else what the newer row took last', async () => {
    const stories = storyOfTracks(4);
    for (const { id, type, data, metadata, stream, revision } of stories) {
      const expected = revision === 0 ? 'no-stream' : revision - 1;
      await ledger.append(stream, expected, [{ id, type, data, metadata }]);
    }
    await project();
    for (const statement of [
      `UPDATE enrichment.tracks SET genre = 'polka', artist = 'Bund' WHERE track_id = '0'`,
      `UPDATE enrichment.tracks SET artist = 'Bund' WHERE track_id = '1'`,
      `UPDATE enrichment.tracks SET track_id = 'unheard' WHERE track_id = '2'`,
      `DELETE FROM enrichment.tasks WHERE stream = 'track-3'`,
      `UPDATE enrichment.metrics SET calls = calls + 1`,
    ]) {
      await storage.database.query(statement);
    }
    const { changes, tables } = await prove({ ...quiet, ledger, url });
    expect(changes).toBe(6);
    const found = tables.flatMap(({ samples }) =>
      samples.map(({ table, before, after, columns, event }) => {
        const row = after ?? before ?? {};
        const kind = before === null ? '+' : after === null ? '-' : '~';
        return [`${kind} ${table} ${row.track_id ?? row.provider}`, columns.join(), event];
      }),
    );
    const eventAt = (n: number, revision: number) => {
      const stream = `track-${n}`;
      const { id, type } = stories.find((one) => one.stream === stream && one.revision === revision) ?? {};
      return { stream, revision, id, type };
    };
    expect(found).toEqual([
      ['~ tracks 0', 'artist,genre', eventAt(0, 1)],
      ['~ tracks 1', 'artist', eventAt(1, 4)],
      ['+ tracks 2', '', eventAt(2, 4)],
      ['- tracks unheard', '', null],
      ['+ tasks 3', '', eventAt(3, 4)],
      ['~ metrics lastfm', 'calls', null],
    ]);
  });
});

/** A task that ended with this title and key, of one provider. */
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
        leftOut: [],
        artist: 'a',
        title,
        ruleVersion: 'r',
      },
      metadata: { occurredAt: '2026-01-01T00:00:00.000Z', taskId: 't', hop: 0, schemaVersion: 1 },
    },
  ];
}
