import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrackEvent } from '../../src/domain/events.ts';
import { defaultRules, type Rules } from '../../src/domain/rules.ts';
import { trackStream } from '../../src/domain/stream-names.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { migrateProjections } from '../../src/projections/migrate.ts';
import { startProjector } from '../../src/projections/projector.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { allTrackIds } from '../../src/projections/track-ids.ts';
import { redecideAll } from '../../src/redecision/redecide-all.ts';
import { trackVerdicts } from '../../src/redecision/track-verdicts.ts';
import { openPostgresStorage, type PostgresStorage } from '../ledger/postgres-storage.ts';
import { appendInTurn } from '../projections/recorded.ts';
import { anyRules } from '../support/any-rules.ts';
import { anyWorkersStream } from '../support/streams.ts';

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

/** Streams whose events point at each other by the ids that they have in the ledger. */
const anyRecordedTracks = fc.array(anyWorkersStream, { minLength: 1, maxLength: 5 }).map((streams) => {
  const tracks = new Map<string, readonly TrackEvent[]>();
  for (const [n, { events }] of streams.entries()) {
    let text = JSON.stringify(events.map(({ event }) => event));
    for (const { event } of events) text = text.replaceAll(`"${event.id}"`, `"${randomUUID()}"`);
    tracks.set(`track ${n}`, JSON.parse(text) as TrackEvent[]);
  }
  return tracks;
});

async function record(tracks: ReadonlyMap<string, readonly TrackEvent[]>): Promise<void> {
  await storage.database.query('TRUNCATE ledger.events');
  await storage.database.query('UPDATE ledger.head SET position = 0');
  for (const schema of ['enrichment', 'enrichment_prev', 'enrichment_next'])
    await storage.database.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await migrateProjections({ url });
  await appendInTurn(
    ledger,
    tracks,
    [...tracks].flatMap(([trackId, events]) => events.map(() => trackId)),
  );
}

async function project(): Promise<void> {
  const projector = startProjector({ ledger, url });
  await projector.waitUntilCaughtUp(15_000).finally(projector.stop);
}

const signal = new AbortController().signal;
const never = () => {
  throw new Error('This ledger hands out streams.');
};

/** What changes by these rules, as text, track by track; recorded where it is said. */
async function changesBy(rules: Rules, isApplied: boolean, from: Ledger = ledger) {
  const changes: string[] = [];
  const failures: string[] = [];
  const counts = await redecideAll({
    verdicts: trackVerdicts({
      ledger: from,
      rules,
      trackIds: from.streams === undefined ? () => allTrackIds(url) : never,
      signal,
    }),
    signal,
    apply: isApplied ? { ledger: from, rules, now: Date.now, newId: randomUUID, rate: 10_000 } : null,
    onChange: (trackId, redecision) => {
      changes.push(JSON.stringify([trackId, redecision.sources, redecision.changes]));
    },
    onFailure: (trackId, reason) => failures.push(`${trackId}: ${reason}`),
    onProgress: () => undefined,
  });
  if (failures.length > 0) throw new Error(failures.join('\n'));
  expect(counts.changed).toBe(changes.length);
  return changes.toSorted();
}

describe('deciding all tracks again', () => {
  it('tells what it would record and records that, once; the read models agree with a rebuild', async () => {
    await fc.assert(
      fc.asyncProperty(anyRecordedTracks, anyRules, async (tracks, rules) => {
        await record(tracks);
        await project();
        expect(await changesBy(defaultRules, false)).toEqual([]);
        const told = await changesBy(rules, false);
        const { streams: _, ...plain } = ledger;
        expect(await changesBy(rules, false, plain)).toEqual(told);
        expect(await changesBy(rules, true)).toEqual(told);
        expect(await changesBy(rules, true)).toEqual([]);
        await project();
        const { comparison } = await rebuild({
          ledger,
          url,
          fromScratch: false,
          signal,
          onProgress: () => undefined,
          samplesMax: 3,
          mayReplace: () => false,
        });
        expect(comparison?.tables.flatMap(({ samples }) => samples) ?? []).toEqual([]);
      }),
      { numRuns: 12 },
    );
  }, 120_000);

  it('decides anew after a conflict, and gives a track up that somebody else keeps writing to', async () => {
    const [tracks] = fc.sample(
      anyRecordedTracks.filter((all) => [...all.values()].some((one) => one.at(-1)?.type === 'Enriched')),
      1,
    );
    if (tracks === undefined) throw new Error('There is no sample.');
    await record(tracks);
    const none: Rules = { ...defaultRules, matching: { ...defaultRules.matching, confidenceMin: 2 } };
    const told = await changesBy(none, false);
    expect(told).not.toEqual([]);
    let conflicts = 0;
    const contested: Ledger = {
      ...ledger,
      async append(stream, expected, events) {
        if (conflicts >= 3) return ledger.append(stream, expected, events);
        conflicts += 1;
        return { kind: 'conflict', actual: 0 };
      },
    };
    expect(await changesBy(none, true, contested)).toEqual(told);
    expect(conflicts).toBe(3);
    await record(tracks);
    const busy: Ledger = { ...ledger, append: async () => ({ kind: 'conflict', actual: 0 }) };
    await expect(changesBy(none, true, busy)).rejects.toThrow(/5 times/);
  }, 60_000);

  it('stops when it is told to, and goes on from there when it is run again', async () => {
    const [events] = fc.sample(
      anyRecordedTracks
        .filter((all) => all.get('track 0')?.at(-1)?.type === 'Enriched')
        .map((all) => all.get('track 0') ?? []),
      1,
    );
    const tracks = new Map(
      Array.from({ length: 60 }, (_, n) => [
        `t ${n}`,
        (events ?? []).map((event) => ({ ...event, id: randomUUID() })),
      ]),
    );
    await record(tracks);
    const none: Rules = { ...defaultRules, matching: { ...defaultRules.matching, confidenceMin: 2 } };
    const stopping = new AbortController();
    let changed = 0;
    await redecideAll({
      verdicts: trackVerdicts({ ledger, rules: none, trackIds: never, signal: stopping.signal }),
      signal: stopping.signal,
      apply: { ledger, rules: none, now: Date.now, newId: randomUUID, rate: 500 },
      onChange: () => {
        changed += 1;
        if (changed === 5) stopping.abort();
      },
      onFailure: never,
      onProgress: () => undefined,
    });
    expect(changed).toBeGreaterThanOrEqual(5);
    expect(changed).toBeLessThan(60);
    expect(await changesBy(none, true)).toHaveLength(60 - changed);
    const written = await ledger.read(trackStream('t 59'));
    expect(written.at(-1)).toMatchObject({ type: 'Enriched', data: { snapshot: {}, sources: [] } });
  }, 60_000);
});
