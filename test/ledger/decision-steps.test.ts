import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decisionStepOf } from '../../src/domain/decision-step.ts';
import type { RecordedTrackEvent } from '../../src/domain/events.ts';
import { type ParsedTexts, readStep } from '../../src/ledger/decision-steps.ts';
import type { StoredEvent } from '../../src/ledger/ledger.ts';
import { encodeTrackEvent } from '../../src/ledger/track-events.ts';
import { anyRules } from '../support/any-rules.ts';
import { redecided } from '../support/redecided.ts';
import { anyStream } from '../support/streams.ts';

/** As COPY hands it out: UTF-8, a character a byte. */
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('latin1');

function storedOf({ event, revision }: RecordedTrackEvent): StoredEvent {
  const { id, type, data, metadata } = encodeTrackEvent(event);
  return { stream: 'track-a', revision, id, type, data: bytesOf(data), metadata: bytesOf(metadata) };
}

it('an event that is skimmed says what one says that is parsed whole', () => {
  fc.assert(
    fc.property(anyStream, anyRules, ({ events }, rules) => {
      const parsed: ParsedTexts = [];
      for (const recorded of redecided(events, rules))
        expect(readStep(storedOf(recorded), parsed)).toEqual(decisionStepOf(recorded));
    }),
  );
});

it('an answer that is recorded again is the same object', () => {
  fc.assert(
    fc.property(anyStream, ({ events }) => {
      const parsed: ParsedTexts = [];
      for (const recorded of events) {
        const [one, other] = [readStep(storedOf(recorded), parsed), readStep(storedOf(recorded), parsed)];
        if (one === null || !('kind' in one) || one.kind !== 'found') continue;
        if (other === null || !('kind' in other) || other.kind !== 'found')
          throw new Error('It is no answer.');
        expect(other.finding.outcome).toBe(one.finding.outcome);
      }
    }),
  );
});

it('what cannot be read is said, never thrown: broken JSON, an unknown type or version', () => {
  const meta = { occurredAt: '2026-01-01T00:00:00.000Z', taskId: 't', hop: 0, schemaVersion: 1 };
  const event = { stream: 'track-a', revision: 0, id: 'e', metadata: bytesOf(meta) };
  const newer = bytesOf({ ...meta, schemaVersion: 2 });
  for (const one of [
    { ...event, type: 'TaskReceived', data: '{' },
    { ...event, type: 'ApiCalled', data: '{}' },
    { ...event, type: 'Unheard', data: '{}' },
    { ...event, type: 'Enriched', data: '{"status":"completed"}', metadata: newer },
  ])
    expect(readStep(one, [])).toMatchObject({ reason: expect.stringMatching(/\.$/) });
});
