import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Candidate, Lookup, Outcome } from '../../src/domain/answer.ts';
import { providers } from '../../src/domain/provider.ts';
import type { JsonObject, RecordedEvent } from '../../src/ledger/ledger.ts';
import {
  isReadable,
  type SkimmedEvent,
  skimRecorded,
  skimStored,
  type Unreadable,
} from '../../src/ledger/skim.ts';
import { withoutAnswer } from '../../src/ledger/skim-text.ts';
import { encodeTrackEvent } from '../../src/ledger/track-events.ts';
import { applyToTask } from '../../src/projections/tasks.ts';
import { applyToTrack } from '../../src/projections/tracks.ts';
import { anyTime } from '../support/generators.ts';
import { anyStream } from '../support/streams.ts';
import { storedOf } from './stored.ts';

/** Pieces of what stands around an answer, as text inside of it. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '"',
        '\\',
        '\\"',
        '{',
        '}',
        ',',
        '\n',
        '\t',
        '\u2028',
        '😀',
        '\ufeff',
        '","outcome":{"kind":"missing"',
        ',"httpStatus":200,"durationMs":1,"calledAt":"2026-01-01T00:00:00.000Z","superseded":false}',
        ',"calledAt":"2026-01-01T00:00:00.000Z","eventId":"x","via":"flight"}',
        '","httpStatus":',
        ',"answer":{"kind":"found"',
        '"schemaVersion":1}',
        '","hop":3,',
      ),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
    ),
    { maxLength: 5 },
  )
  .map((parts) => parts.join(''));

const lookup: fc.Arbitrary<Lookup> = fc.oneof(
  hostileText.map((isrc) => ({ kind: 'isrc' as const, isrc })),
  fc.record({ kind: fc.constant('search' as const), artist: hostileText, title: hostileText }),
);

const candidate: fc.Arbitrary<Candidate> = fc.record({
  id: hostileText,
  title: hostileText,
  artists: fc.array(hostileText, { maxLength: 2 }),
  durationMs: fc.option(fc.nat()),
  isrcs: fc.array(hostileText, { maxLength: 2 }),
  values: fc.record({ genre: hostileText, album: hostileText }, { requiredKeys: [] }),
});

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({
    kind: fc.constant('found' as const),
    candidates: fc.array(candidate, { maxLength: 3 }),
    bodyHash: hostileText,
  }),
  fc.record({
    kind: fc.constant('missing' as const),
    reason: fc.constantFrom('no-result' as const, 'shadow-entry' as const),
    bodyHash: hostileText,
  }),
  fc.record({ kind: fc.constantFrom('misused' as const, 'unauthorised' as const), message: hostileText }),
);

/** What workers write, and now and then something else. */
function mostly<One, Other>(usual: fc.Arbitrary<One>, other: fc.Arbitrary<Other>): fc.Arbitrary<One | Other> {
  return fc.oneof({ arbitrary: usual, weight: 8 }, { arbitrary: other, weight: 1 });
}

const common = { provider: mostly(fc.constantFrom(...providers), fc.constantFrom('deezer', '')), lookup };
const called = fc.record({
  ...common,
  outcome,
  httpStatus: fc.option(fc.integer({ min: 100, max: 599 })),
  durationMs: mostly(fc.nat(), fc.double({ min: 0, max: 1e22, noNaN: true })),
  calledAt: mostly(anyTime, hostileText),
  superseded: fc.boolean(),
});
const hit = fc.record({
  ...common,
  answer: outcome,
  calledAt: mostly(anyTime, hostileText),
  eventId: mostly(fc.uuid(), hostileText),
  via: mostly(fc.constantFrom('cache', 'flight'), fc.constant('else')),
});

/** Keys in another order, one left out, or one more: written by somebody else. */
const rewritten = (data: fc.Arbitrary<object>) =>
  fc
    .tuple(data, mostly(fc.constant('as it is'), fc.constantFrom('reversed', 'less', 'more')), fc.nat())
    .map(([value, how, n]) => {
      const entries = Object.entries(value);
      if (how === 'reversed') entries.reverse();
      if (how === 'less') entries.splice(n % entries.length, 1);
      if (how === 'more') entries.splice(n % entries.length, 0, ['more', { superseded: false }]);
      return Object.fromEntries(entries) as JsonObject;
    });

const metadata = rewritten(
  fc.record({
    occurredAt: mostly(anyTime, hostileText),
    taskId: mostly(fc.uuid(), hostileText),
    hop: mostly(fc.nat(9), fc.double({ noNaN: true, noDefaultInfinity: true })),
    correlationId: hostileText,
    causationId: fc.option(hostileText),
    traceparent: fc.option(hostileText),
    schemaVersion: mostly(fc.constant(1), fc.constantFrom(2, 11)),
  }),
);

const recorded: fc.Arbitrary<RecordedEvent> = fc
  .oneof(
    fc.tuple(fc.constant('ApiCalled'), rewritten(called)),
    fc.tuple(fc.constant('CacheHit'), rewritten(hit)),
  )
  .chain(([type, data]) =>
    fc.record({
      id: fc.uuid(),
      type: fc.constant(type),
      data: fc.constant(data),
      metadata,
      stream: fc.constant('track-a'),
      revision: fc.constant(3),
      position: fc.constant('7'),
    }),
  )
  .map((event) => JSON.parse(JSON.stringify(event)) as RecordedEvent);

/** What of an answer read models look at. */
function seen(event: SkimmedEvent | Unreadable): unknown {
  if (!isReadable(event)) return event;
  const { id, type, meta } = event;
  const { occurredAt, taskId, hop } = meta;
  const around = { id, type, occurredAt, taskId, hop };
  if (type === 'CacheHit')
    return { ...around, provider: event.data.provider, isCache: event.data.via === 'cache' };
  if (type !== 'ApiCalled') return { ...around, data: event.data };
  const { provider, durationMs, calledAt, outcome } = event.data;
  return { ...around, provider, durationMs, calledAt, kind: outcome.kind };
}

it('an answer that is skimmed, or left out, says what the whole one says, whatever texts it holds and whoever wrote it', () => {
  let skimmed = 0;
  let shortened = 0;
  fc.assert(
    fc.property(recorded, (event) => {
      const stored = storedOf(event);
      const fast = skimStored(stored);
      const short = { ...stored, data: withoutAnswer(stored.type, stored.data) };
      if (short.data !== stored.data) shortened += 1;
      const whole = seen(skimRecorded(event));
      expect(seen(fast)).toEqual(whole);
      expect(seen(skimStored(short))).toEqual(whole);
      if (isReadable(fast) && !('lookup' in fast.data)) skimmed += 1;
    }),
    { numRuns: 4000 },
  );
  // Else nothing was shown.
  expect(skimmed).toBeGreaterThan(300);
  expect(shortened).toBeGreaterThan(300);
});

it('every event of every stream comes to the same rows skimmed as whole', () => {
  fc.assert(
    fc.property(anyStream, ({ events }) => {
      const rows = (skim: (event: RecordedEvent) => SkimmedEvent | Unreadable) => {
        let [track, task]: [Parameters<typeof applyToTrack>[0], Parameters<typeof applyToTask>[0]] = [
          null,
          null,
        ];
        for (const { event: one, revision } of events) {
          const event = skim({ ...encodeTrackEvent(one), stream: 'track-a', revision, position: '1' });
          if (!isReadable(event)) throw new Error(event.reason);
          track = applyToTrack(track, 'a', { event, revision });
          if (event.type !== 'Erased') task = applyToTask(task, 'track-a', { event, revision });
        }
        return { track, task };
      };
      expect(rows((event) => skimStored(storedOf(event)))).toEqual(rows(skimRecorded));
    }),
    { numRuns: 500 },
  );
});

it('an answer of the greatest size, and a lookup of the greatest size, are read', () => {
  const long = 'x"\\'.repeat(150_000);
  for (const data of [
    { provider: 'spotify', lookup: { kind: 'isrc', isrc: long }, outcome: { kind: 'misused', message: '' } },
    { provider: 'spotify', lookup: { kind: 'isrc', isrc: '' }, outcome: { kind: 'misused', message: long } },
  ]) {
    const event: RecordedEvent = {
      id: 'a',
      type: 'ApiCalled',
      data: {
        ...data,
        httpStatus: 400,
        durationMs: 5,
        calledAt: '2026-01-01T00:00:00.000Z',
        superseded: false,
      },
      metadata: { occurredAt: '2026-01-01T00:00:00.000Z', taskId: 't', hop: 0, more: 0, schemaVersion: 1 },
      stream: 'track-a',
      revision: 0,
      position: '1',
    };
    expect(seen(skimStored(storedOf(event)))).toEqual(seen(skimRecorded(event)));
  }
});
