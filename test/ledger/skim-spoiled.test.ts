import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeAppend } from '../../src/ledger/codec.ts';
import { type JsonObject, LedgerRefusal, type NewEvent, type StoredEvent } from '../../src/ledger/ledger.ts';
import { isReadable, type SkimmedEvent, skimRecorded, skimStored } from '../../src/ledger/skim.ts';
import { skims, withoutAnswer } from '../../src/ledger/skim-text.ts';
import { encodeTrackEvent } from '../../src/ledger/track-events.ts';
import { anyStream } from '../support/streams.ts';

const place = { stream: 'track-1', revision: 0 };

/** As the ledger keeps it. */
function storedOf(event: NewEvent): StoredEvent {
  const [encoded] = encodeAppend(place.stream, [{ ...event, id: '00000000-0000-4000-8000-000000000000' }]);
  if (encoded === undefined) throw new Error('Nothing was encoded.');
  const bytes = (text: string) => Buffer.from(text).toString('latin1');
  return { ...place, ...encoded, data: bytes(encoded.data), metadata: bytes(encoded.metadata) };
}

/** The same; what the codec refuses, such as a number that is not finite, is no case. */
function storableOf(event: NewEvent): StoredEvent {
  try {
    return storedOf(event);
  } catch (error) {
    fc.pre(!(error instanceof LedgerRefusal));
    throw error;
  }
}

function wholeOf({ data, metadata, ...rest }: StoredEvent) {
  const parsed = (bytes: string) => JSON.parse(Buffer.from(bytes, 'latin1').toString()) as JsonObject;
  return skimRecorded({ ...rest, position: '', data: parsed(data), metadata: parsed(metadata) });
}

/** All of an event that a read model may look at; the same of the whole event as of the skimmed one. */
function lookedAt(event: SkimmedEvent): unknown {
  const { id, type, meta } = event;
  const about = { id, type, occurredAt: meta.occurredAt, taskId: meta.taskId, hop: meta.hop };
  switch (event.type) {
    case 'ApiCalled': {
      const { provider, outcome, durationMs, calledAt } = event.data;
      return { ...about, provider, kind: outcome.kind, durationMs, calledAt };
    }
    case 'CacheHit':
      return { ...about, provider: event.data.provider, via: event.data.via };
    case 'TaskReceived': {
      const { artist, title, source, priority } = event.data.request;
      return { ...about, artist, title, source, priority, origin: event.data.origin };
    }
    case 'Enriched': {
      const { status, snapshot, sources, leftOut, artist, title, ruleVersion } = event.data;
      return { ...about, status, snapshot, sources, leftOut, artist, title, ruleVersion };
    }
    default:
      return { ...about, data: event.data };
  }
}

const said = (event: ReturnType<typeof skimStored>) => (isReadable(event) ? lookedAt(event) : event.reason);

function expectSame(stored: StoredEvent): void {
  const whole = said(wholeOf(stored));
  expect(said(skimStored(stored))).toEqual(whole);
  expect(said(skimStored({ ...stored, data: withoutAnswer(stored.type, stored.data) }))).toEqual(whole);
}

const anyEvent = anyStream
  .filter(({ events }) => events.length > 0)
  .chain(({ events }) => fc.constantFrom(...events.map(({ event }) => encodeTrackEvent(event))));

/** Texts that look like the places where skimming begins and ends. */
const hostile = fc.constantFrom(
  '"',
  '\\',
  '\\"',
  '","superseded":false}',
  '},"origin":{"kind":"request"},"delivery":1}',
  '},"sources":["spotify"],"leftOut":[],"artist":"a","title":"t","ruleVersion":"r"}',
  ',"httpStatus":200,"durationMs":1,"calledAt":"2026","superseded":false}',
  ',"calledAt":"2026","eventId":"e","via":"cache"}',
  ',"schemaVersion":1}',
  '{"provider":"spotify","lookup":{"kind":"isrc","isrc":"x"},"outcome":{"kind":"found"',
  'Кино',
  '\ud800',
  '\0',
  'null',
  '\t\n',
);
const anyPoison: fc.Arbitrary<unknown> = fc.oneof(hostile, fc.jsonValue({ maxDepth: 2 }), fc.double());

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

/** The value with some of its parts replaced, renamed, left out or repeated elsewhere. */
function spoilt(value: unknown, choose: (max: number) => number, poison: () => unknown): unknown {
  if (choose(12) === 0) return poison();
  if (Array.isArray(value)) return value.map((one) => spoilt(one, choose, poison));
  if (typeof value === 'string' && choose(5) === 0) return `${value}${textOf(poison())}`;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, one]): [string, unknown] => [
    choose(25) === 0 ? textOf(poison()) : key,
    spoilt(one, choose, poison),
  ]);
  if (choose(10) === 0) entries.splice(choose(entries.length + 1), 0, [textOf(poison()), poison()]);
  if (choose(20) === 0) entries.splice(choose(entries.length + 1), 1);
  if (choose(20) === 0) entries.reverse();
  return Object.fromEntries(entries);
}

/** JSON in which some keys stand twice, the other time with what is another key's. */
function withKeysTwice(value: unknown, choose: (max: number) => number): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  const entries = Object.entries(value);
  if (entries.length > 0 && choose(4) === 0) {
    const [one, other] = [entries[choose(entries.length)], entries[choose(entries.length)]];
    if (one !== undefined && other !== undefined)
      entries.splice(choose(entries.length + 1), 0, [one[0], other[1]]);
  }
  return `{${entries.map(([key, held]) => `${JSON.stringify(key)}:${withKeysTwice(held, choose)}`).join()}}`;
}

const anySpoilt = fc
  .tuple(anyEvent, fc.infiniteStream(fc.nat()), fc.infiniteStream(anyPoison))
  .map(([event, numbers, poisons]): NewEvent => {
    const choose = (max: number) => Number(numbers.next().value) % max;
    const poison = () => poisons.next().value as unknown;
    return {
      ...event,
      data: spoilt(event.data, choose, poison) as JsonObject,
      metadata: spoilt(event.metadata, choose, poison) as JsonObject,
    };
  });

describe('skimming', () => {
  it('says of an event what reading all of it says', () => {
    fc.assert(
      fc.property(anyEvent, (event) => expectSame(storedOf(event))),
      { numRuns: 1000 },
    );
  });

  it('says of any event what reading all of it says, whatever was written into it', () => {
    const counts = { skimmed: 0, unreadable: 0 };
    fc.assert(
      fc.property(anySpoilt, (event) => {
        const stored = storableOf(event);
        expectSame(stored);
        const skimmed = skimStored(stored);
        counts[isReadable(skimmed) ? 'skimmed' : 'unreadable'] += 1;
      }),
      { numRuns: 2000, endOnFailure: true },
    );
    expect(Math.min(counts.skimmed, counts.unreadable)).toBeGreaterThan(200);
  });

  it('says of a snapshot in which keys stand twice what reading all of it says', () => {
    let repeated = 0;
    fc.assert(
      fc.property(anyStream, fc.infiniteStream(fc.nat()), ({ events }, numbers) => {
        const choose = (max: number) => Number(numbers.next().value) % max;
        for (const { event } of events) {
          if (event.type !== 'Enriched') continue;
          const stored = storedOf(encodeTrackEvent(event));
          const text = withKeysTwice(event.data, choose);
          if (text !== JSON.stringify(event.data)) repeated += 1;
          const twice = { ...stored, data: Buffer.from(text).toString('latin1') };
          expect(said(skimStored(twice))).toEqual(said(wholeOf(twice)));
        }
      }),
      { numRuns: 1000 },
    );
    expect(repeated).toBeGreaterThan(100);
  });

  it('reads the snapshots that workers write from their text, but for those with signs that JSON escapes', () => {
    let skimmed = 0;
    fc.assert(
      fc.property(anyStream, ({ events }) => {
        for (const { event } of events) {
          if (event.type !== 'Enriched') continue;
          const values = Object.values(event.data.snapshot).map(({ value }) => value);
          const isPlain = values.every((value) =>
            [`"${value}"`, String(value)].includes(JSON.stringify(value)),
          );
          const found = skims.get('Enriched')?.(storedOf(encodeTrackEvent(event)).data) ?? null;
          // An empty one is not worth it.
          expect(found !== null).toBe(isPlain && values.length > 0);
          if (found !== null) skimmed += 1;
        }
      }),
      { numRuns: 1000 },
    );
    expect(skimmed).toBeGreaterThan(50);
  });

  it('reads past the answers that workers write', () => {
    const call = {
      provider: 'spotify',
      lookup: { kind: 'search', artist: 'A "quoted" \\ Кино', title: 't' },
      outcome: { kind: 'found', candidates: [{ id: '', broken: '},"x":' }], bodyHash: 'h' },
      httpStatus: 200,
      durationMs: 12.5,
      calledAt: '2026-01-01T00:00:00.000Z',
      superseded: false,
    };
    const metadata = {
      occurredAt: '2026-01-01T00:00:01.000Z',
      taskId: 'Кино',
      hop: 0,
      correlationId: 'c',
      causationId: null,
      traceparent: null,
      schemaVersion: 1,
    };
    const skimmed = skimStored(storedOf({ id: '', type: 'ApiCalled', data: call, metadata }));
    expect(skimmed).toMatchObject({
      data: { provider: 'spotify', outcome: { kind: 'found' }, durationMs: 12.5, calledAt: call.calledAt },
      meta: { occurredAt: metadata.occurredAt, taskId: 'Кино', hop: 0 },
    });
    expect(skimmed).not.toHaveProperty('data.lookup');
  });
});
