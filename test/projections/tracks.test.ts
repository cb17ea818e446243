import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RecordedTrackEvent } from '../../src/domain/events.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { emptyTrack } from '../../src/domain/state.ts';
import { trackFields } from '../../src/domain/track-values.ts';
import { encodeTrackEvent } from '../../src/ledger/track-events.ts';
import { arrivalOf } from '../../src/projections/arrival.ts';
import { type ColumnProvenance, provenanceJson } from '../../src/projections/provenance.ts';
import type { TrackRow } from '../../src/projections/schema.ts';
import { columnOf, trackRecordOf } from '../../src/projections/track-columns.ts';
import { applyToTrack, changeTrack, type TrackDraft } from '../../src/projections/tracks.ts';
import { anyStream, anyWorkersStream } from '../support/streams.ts';
import { anyPoison, poisoned } from './poison.ts';
import { factsOf } from './recorded.ts';

const fold = (events: readonly RecordedTrackEvent[], from: TrackRow | null = null) =>
  factsOf(events).reduce((row, fact) => applyToTrack(row, 'a', fact), from);

it('folding from any point on gives the row of folding it all', () => {
  fc.assert(
    fc.property(anyStream, fc.nat(), ({ events }, cut) => {
      const at = events.length === 0 ? 0 : cut % events.length;
      expect(fold(events.slice(at), fold(events.slice(0, at)))).toEqual(fold(events));
    }),
  );
});

it('events that a row has already change nothing', () => {
  fc.assert(
    fc.property(anyWorkersStream, fc.nat(), ({ events }, cut) => {
      const row = fold(events);
      expect(fold(events.slice(cut % (events.length + 1)), row)).toEqual(row);
    }),
  );
});

it('each value is that of the newest Enriched, and its provenance is an event before it that gave it', () => {
  fc.assert(
    fc.property(anyWorkersStream, ({ events }) => {
      const row = fold(events);
      const enriched = events.filter(({ event }) => event.type === 'Enriched').at(-1);
      if (enriched?.event.type !== 'Enriched') return;
      const { snapshot } = enriched.event.data;
      const provenance = row?.provenance as Record<string, ColumnProvenance>;
      expect(Object.keys(provenance)).toHaveLength(Object.keys(snapshot).length);
      for (const field of trackFields) {
        const column = columnOf(field);
        const { revision, eventId, provider } = provenance[column] ?? { revision: -1 };
        expect(row?.[field] ?? null).toEqual(snapshot[field]?.value ?? null);
        if (snapshot[field] === undefined) continue;
        const source = events.find((one) => one.revision === revision)?.event;
        expect(source?.id).toBe(eventId);
        expect(revision).toBeLessThan(enriched.revision);
        if (source?.type !== 'ApiCalled' && source?.type !== 'CacheHit')
          throw new Error(`From ${source?.type}.`);
        expect(source.data.provider).toBe(provider);
        const answer = source.type === 'ApiCalled' ? source.data.outcome : source.data.answer;
        const values = answer.kind === 'found' ? answer.candidates.map((one) => one.values[field]) : [];
        expect(values).toContainEqual(row?.[field]);
      }
    }),
  );
});

it('the row says what the domain knows: its status, and the snapshot that would be decided now or earlier', () => {
  fc.assert(
    fc.property(anyWorkersStream, ({ events }) => {
      const row = fold(events);
      const state = events.reduce(evolve, emptyTrack);
      if (row === null) {
        expect(events).toEqual([]);
        return;
      }
      expect(row.streamRevision).toBe(state.revision);
      const last = events.findLast(({ event }) => event.type === 'Enriched')?.event;
      if (last?.type === 'Enriched') expect(row.status).toBe(last.data.status);
      else expect(['pending', 'in_progress', 'failed']).toContain(row.status);
    }),
  );
});

it('a row that is changed in place comes to the same, and is as it was where an event cannot be taken', () => {
  let refused = 0;
  fc.assert(
    fc.property(anyWorkersStream, anyPoison, fc.nat(), ({ events }, poison, any) => {
      const told = events.map(({ event, revision }) => ({
        ...encodeTrackEvent(event),
        stream: 'track-a',
        revision,
        position: '',
      }));
      let row: TrackRow | null = null;
      let draft: TrackDraft | null = null;
      for (const { revision, ...recorded } of poisoned(told, poison, any)?.events ?? told) {
        const { event } = arrivalOf({ ...recorded, revision });
        if (event === null) return;
        const before = structuredClone(draft);
        try {
          draft = changeTrack(draft, 'a', { event, revision });
        } catch {
          refused += 1;
          expect(draft).toEqual(before);
          expect(() => applyToTrack(row, 'a', { event, revision })).toThrow();
          continue;
        }
        row = applyToTrack(row, 'a', { event, revision });
        if (draft === null || row === null) throw new Error('There is no row.');
        const { answers, ...made } = draft;
        const provenance = answers === null ? {} : JSON.parse(provenanceJson(answers));
        expect({ ...made, provenance }).toEqual(JSON.parse(JSON.stringify(row)));
      }
    }),
    { numRuns: 2000 },
  );
  expect(refused).toBeGreaterThan(50);
});

it('an erased track has no row, until it is asked for again', () => {
  fc.assert(
    fc.property(anyStream, ({ events }) => {
      const row = fold(events);
      const erasedAt = events.findLastIndex(({ event }) => event.type === 'Erased');
      expect(row === null).toBe(erasedAt === events.length - 1);
    }),
  );
});

it('a row by its columns has the names of the database and nothing else', () => {
  fc.assert(
    fc.property(anyWorkersStream, ({ events }) => {
      const row = fold(events);
      if (row === null) return;
      const record = trackRecordOf(row);
      expect(Object.keys(record)).toHaveLength(Object.keys(row).length);
      expect(Object.keys(record).every((name) => /^[a-z_]+$/.test(name))).toBe(true);
    }),
  );
});
