import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RecordedEvent } from '../../src/ledger/ledger.ts';
import { decodeTrackEvent, encodeTrackEvent } from '../../src/ledger/track-events.ts';
import { anyWorkersStream } from '../support/streams.ts';
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
