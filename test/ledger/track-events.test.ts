import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { schemaVersions } from '../../src/domain/events.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { emptyTrack } from '../../src/domain/state.ts';
import type { RecordedEvent } from '../../src/ledger/ledger.ts';
import { decodeTrackEvent, encodeTrackEvent } from '../../src/ledger/track-events.ts';
import { anyRules } from '../support/any-rules.ts';
import { redecided } from '../support/redecided.ts';
import { anyStream, anyWorkersStream } from '../support/streams.ts';
import { anyJsonObject, eventOf } from './events.ts';

const recordedOf = (event: object, revision = 0): RecordedEvent =>
  ({
    ...eventOf(),
    stream: 'track-a',
    revision,
    position: '1',
    ...event,
  }) as RecordedEvent;

it('every event that workers make reads back as it was, through JSON', () => {
  fc.assert(
    fc.property(anyWorkersStream, ({ events }) => {
      for (const { event, revision } of events) {
        const stored = JSON.parse(JSON.stringify(encodeTrackEvent(event))) as object;
        expect(decodeTrackEvent(recordedOf(stored, revision))).toEqual({ event, revision });
      }
    }),
    { numRuns: 50 },
  );
});

const types = ['TaskReceived', 'CacheHit', 'ApiCalled', 'Enriched', 'Failed', 'Deferred', 'Erased'];
const broken = fc.oneof(
  anyJsonObject,
  fc.constantFrom(null, [], 'text', 7, {}),
  fc.record({
    occurredAt: fc.string(),
    taskId: fc.string(),
    hop: fc.nat(),
    schemaVersion: fc.nat({ max: 3 }),
  }),
);

it('an unknown type or a broken body becomes an UnknownEvent with a reason, never an exception', () => {
  const type = fc.oneof(fc.constantFrom(...types, '__proto__', 'constructor', 'toString'), fc.string());
  fc.assert(
    fc.property(type, broken, broken, (one, data, metadata) => {
      const decoded = decodeTrackEvent(recordedOf({ type: one, data, metadata }));
      if ('event' in decoded) return;
      expect(decoded.kind).toBe('unknown');
      expect(decoded.reason).toMatch(/\.$/);
    }),
  );
});

it('a version that is not known yet is an UnknownEvent that names both versions', () => {
  const metadata = { occurredAt: '2026-01-01T00:00:00.000Z', taskId: 't', hop: 0, schemaVersion: 99 };
  const decoded = decodeTrackEvent(recordedOf({ type: 'Enriched', data: {}, metadata }));
  expect(decoded).toMatchObject({ kind: 'unknown', reason: expect.stringMatching(/99.*1/) });
});

/** One line an event as it was once written: lines are added, and none is ever changed. */
const samples = readFileSync(new URL('../fixtures/track-events.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Pick<RecordedEvent, 'id' | 'type' | 'data' | 'metadata'>);

const sampled = (type: string, version: number) =>
  samples.filter((one) => one.type === type && one.metadata.schemaVersion === version);

const published = Object.entries(schemaVersions).flatMap(([type, current]) =>
  Array.from({ length: current }, (_, before) => [type, before + 1] as const),
);

it.each(published)('%s of version %i is kept as it was written, and reads as the current one', (...of) => {
  const kept = sampled(...of);
  expect(kept).not.toEqual([]);
  for (const sample of kept) {
    const decoded = decodeTrackEvent(recordedOf(sample));
    expect(decoded).toMatchObject({ event: { id: sample.id, type: sample.type } });
    if ('event' in decoded) expect(() => evolve(emptyTrack, decoded)).not.toThrow();
  }
});

it('what is written today has the fields of the kept sample: another shape needs another version', () => {
  fc.assert(
    fc.property(anyStream, ({ events }) => {
      for (const { event } of events) {
        const { type, data, metadata } = encodeTrackEvent(event);
        const [sample] = sampled(type, Number(metadata.schemaVersion));
        expect(sample, `a sample of ${type} in test/fixtures/track-events.jsonl`).toBeDefined();
        expect(Object.keys(data).sort(), type).toEqual(Object.keys(sample?.data ?? {}).sort());
        expect(Object.keys(metadata).sort(), type).toEqual(Object.keys(sample?.metadata ?? {}).sort());
      }
    }),
    { numRuns: 100 },
  );
});

it('what is decided again has the fields of the kept sample of it', () => {
  const [sample] = samples.filter(({ data }) => 'redecides' in data);
  fc.assert(
    fc.property(anyWorkersStream, anyRules, ({ events }, rules) => {
      const [, ...more] = redecided(events, rules).slice(events.length - 1);
      for (const { event } of more) {
        const { data, metadata } = encodeTrackEvent(event);
        expect(Object.keys(data).sort()).toEqual(Object.keys(sample?.data ?? {}).sort());
        expect(Object.keys(metadata).sort()).toEqual(Object.keys(sample?.metadata ?? {}).sort());
      }
    }),
  );
});
