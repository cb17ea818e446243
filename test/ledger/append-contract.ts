import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendBytesMax, type JsonObject, type Ledger, LedgerRefusal } from '../../src/ledger/ledger.ts';
import { anyJsonObject, eventOf, eventsOf, idsOf, storedForm } from './events.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** Appending and reading. Every test has streams of its own, so they share the storage. */
export function appendContract(name: string, openStorage: OpenStorage): void {
  describe(`${name} keeps the contract of appending and reading:`, () => {
    let storage: Storage;
    let ledger: Ledger;
    beforeAll(async () => {
      storage = await openStorage();
      ledger = await storage.open();
    });
    afterAll(() => storage.drop());
    const streamOf = () => `track-${randomUUID()}`;

    it('a stream that was never written is empty, in both directions', async () => {
      expect(await ledger.read(streamOf())).toEqual([]);
      expect(await ledger.read(streamOf(), { direction: 'backwards' })).toEqual([]);
    });

    it('what was appended is read back in order, with revisions from 0', async () => {
      const stream = streamOf();
      const [first, ...others] = eventsOf(4);
      expect(await ledger.append(stream, 'no-stream', first ? [first] : [])).toEqual({
        kind: 'appended',
        revision: 0,
      });
      expect(await ledger.append(stream, 0, others)).toEqual({ kind: 'appended', revision: 3 });
      const read = await ledger.read(stream);
      expect(idsOf(read)).toEqual(idsOf([first, ...others].flatMap((one) => one ?? [])));
      expect(read.map(({ revision }) => revision)).toEqual([0, 1, 2, 3]);
      expect(read.every((event) => event.stream === stream && event.type === 'Happened')).toBe(true);
    });

    it('an append that expects another revision than there is changes nothing and says which there is', async () => {
      const stream = streamOf();
      expect(await ledger.append(stream, 0, eventsOf(1))).toEqual({ kind: 'conflict', actual: -1 });
      expect(await ledger.append(stream, 7, eventsOf(2))).toEqual({ kind: 'conflict', actual: -1 });
      await ledger.append(stream, 'no-stream', eventsOf(3));
      for (const expected of ['no-stream', 0, 1, 3, 2 ** 40] as const) {
        expect(await ledger.append(stream, expected, eventsOf(1))).toEqual({ kind: 'conflict', actual: 2 });
      }
      expect(await ledger.read(stream)).toHaveLength(3);
    });

    it('the same ids at the same revision again succeed and write nothing, however much came after', async () => {
      const stream = streamOf();
      const first = eventsOf(2);
      const second = eventsOf(1, 2);
      await ledger.append(stream, 'no-stream', first);
      expect(await ledger.append(stream, 'no-stream', first)).toEqual({ kind: 'appended', revision: 1 });
      await ledger.append(stream, 1, second);
      expect(await ledger.append(stream, 'no-stream', first)).toEqual({ kind: 'appended', revision: 1 });
      expect(await ledger.append(stream, 1, second)).toEqual({ kind: 'appended', revision: 2 });
      expect(idsOf(await ledger.read(stream))).toEqual(idsOf([...first, ...second]));
    });

    it('a repetition of other events, or at another revision, is a conflict', async () => {
      const stream = streamOf();
      const [one, two] = [eventOf(), eventOf()];
      await ledger.append(stream, 'no-stream', [one, two]);
      expect(await ledger.append(stream, 'no-stream', [eventOf()])).toMatchObject({ kind: 'conflict' });
      expect(await ledger.append(stream, 'no-stream', [one, eventOf()])).toMatchObject({ kind: 'conflict' });
    });

    it('the same append many times at once is written once, and every time succeeds', async () => {
      const stream = streamOf();
      const events = eventsOf(3);
      const results = await Promise.all(
        Array.from({ length: 10 }, () => ledger.append(stream, 'no-stream', events)),
      );
      expect(results).toEqual(results.map(() => ({ kind: 'appended', revision: 2 })));
      expect(await ledger.read(stream)).toHaveLength(3);
    });

    it('of many writers at one revision exactly one wins, through any number of ledgers', async () => {
      const stream = streamOf();
      const other = await storage.open();
      let revision = -1;
      for (let round = 0; round < 5; round++) {
        const expected = revision < 0 ? 'no-stream' : revision;
        const results = await Promise.all(
          Array.from({ length: 8 }, (_, n) =>
            (n % 2 === 0 ? ledger : other).append(stream, expected, eventsOf(2)),
          ),
        );
        expect(results.filter(({ kind }) => kind === 'appended')).toHaveLength(1);
        revision += 2;
      }
      expect(await ledger.read(stream)).toHaveLength(10);
    });

    it('many appends to many streams at once all stand, each whole', async () => {
      const streams = Array.from({ length: 150 }, streamOf);
      const results = await Promise.all(
        streams.map((stream, n) => ledger.append(stream, 'no-stream', eventsOf(1 + (n % 4)))),
      );
      expect(results).toEqual(streams.map((_, n) => ({ kind: 'appended', revision: n % 4 })));
      for (const [n, stream] of streams.entries()) {
        const read = await ledger.read(stream);
        expect(read.map(({ data }) => data.n)).toEqual(Array.from({ length: 1 + (n % 4) }, (_, at) => at));
      }
    });

    it('an append of no events says where the stream is and writes nothing', async () => {
      const stream = streamOf();
      await ledger.append(stream, 'no-stream', eventsOf(2));
      expect(await ledger.append(stream, 1, [])).toEqual({ kind: 'appended', revision: 1 });
      expect(await ledger.read(stream)).toHaveLength(2);
    });

    it('reads from a revision, forwards and backwards, at most so many', async () => {
      const stream = streamOf();
      await ledger.append(stream, 'no-stream', eventsOf(6));
      const bounds = fc.record({
        direction: fc.constantFrom('forwards' as const, 'backwards' as const),
        from: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }),
        maxCount: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
      });
      await fc.assert(
        fc.asyncProperty(bounds, async ({ direction, from, maxCount }) => {
          const options = {
            direction,
            ...(from === undefined ? {} : { from }),
            ...(maxCount === undefined ? {} : { maxCount }),
          };
          const all = direction === 'forwards' ? [0, 1, 2, 3, 4, 5] : [5, 4, 3, 2, 1, 0];
          const expected = all
            .filter((at) => from === undefined || (direction === 'forwards' ? at >= from : at <= from))
            .slice(0, maxCount ?? 100);
          const read = await ledger.read(stream, options);
          expect(read.map(({ revision }) => revision)).toEqual(expected);
        }),
        { numRuns: 60 },
      );
    });

    it('data and metadata come back as they were, NUL and lone surrogates as U+FFFD', async () => {
      await fc.assert(
        fc.asyncProperty(anyJsonObject, anyJsonObject, async (data, metadata) => {
          const stream = streamOf();
          await ledger.append(stream, 'no-stream', [{ ...eventOf(), data, metadata }]);
          const [event] = await ledger.read(stream);
          expect(event?.data).toEqual(storedForm(data));
          expect(event?.metadata).toEqual(storedForm(metadata));
        }),
        { numRuns: 60 },
      );
    });

    it.each<readonly [what: string, data: JsonObject]>([
      ['NUL', { text: 'a\0b', nested: [{ '\0': '\0' }] }],
      ['a lone high surrogate', { text: 'a\ud83d', '\ud83d': 1 }],
      ['a lone low surrogate', { text: '\ude00z' }],
      ['text that looks like an escape', { text: String.raw`\u0000 \ud83d`, pair: '😀' }],
      ['keys of the prototype', JSON.parse('{"__proto__": {"a": 1}, "constructor": 2, "": 3}')],
      ['numbers at their limits', { n: [Number.MAX_SAFE_INTEGER, 1e308, 5e-324, -1.5, 0] }],
    ])('%s is kept', async (_, data) => {
      const stream = streamOf();
      await ledger.append(stream, 'no-stream', [{ ...eventOf(), data }]);
      const [event] = await ledger.read(stream);
      expect(JSON.stringify(event?.data)).toBe(JSON.stringify(storedForm(data)));
    });

    it('a stream name may hold any text that is not empty and has no NUL', async () => {
      for (const suffix of ["'; DROP TABLE x; --", 'ü 😀 %_\\', 'x'.repeat(300), '\n']) {
        const stream = `track-${randomUUID()}${suffix}`;
        await ledger.append(stream, 'no-stream', eventsOf(1));
        expect((await ledger.read(stream)).map((event) => event.stream)).toEqual([stream]);
      }
    });

    it('what can never be appended is refused, and what stands beside it is not', async () => {
      const stream = streamOf();
      const tooLarge = eventOf({ text: 'x'.repeat(appendBytesMax) });
      const notJson = eventOf({ n: Number.NaN });
      const refused = [
        ledger.append('', 'no-stream', eventsOf(1)),
        ledger.append('a\0b', 'no-stream', eventsOf(1)),
        ledger.append(streamOf(), 'no-stream', [tooLarge]),
        ledger.append(streamOf(), 'no-stream', [notJson]),
        ledger.append(streamOf(), 'no-stream', [{ ...eventOf(), id: 'not-a-uuid' }]),
        ledger.append(streamOf(), 'no-stream', [{ ...eventOf(), type: '' }]),
      ];
      const kept = ledger.append(stream, 'no-stream', eventsOf(1));
      for (const one of refused) await expect(one).rejects.toBeInstanceOf(LedgerRefusal);
      expect(await kept).toEqual({ kind: 'appended', revision: 0 });
    });

    it('an event just below the limit is taken', async () => {
      const stream = streamOf();
      const large = eventOf({ text: 'x'.repeat(appendBytesMax - 200) });
      expect(await ledger.append(stream, 'no-stream', [large])).toEqual({ kind: 'appended', revision: 0 });
      expect((await ledger.read(stream))[0]?.data).toEqual(large.data);
    });

    it('behaves as lists of events with an expected length, whatever is appended in whatever order', async () => {
      const step = fc.record({
        stream: fc.nat({ max: 2 }),
        expected: fc.integer({ min: -1, max: 4 }),
        count: fc.integer({ min: 1, max: 3 }),
        repeat: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const streams = [streamOf(), streamOf(), streamOf()];
          const model: string[][] = [[], [], []];
          for (const { stream: at, expected, count, repeat } of steps) {
            const [name = '', known = []] = [streams[at], model[at]];
            const events = eventsOf(count);
            const revision = expected < 0 ? 'no-stream' : expected;
            const fits = known.length === expected + 1;
            const appended = { kind: 'appended', revision: expected + count };
            const result = await ledger.append(name, revision, events);
            expect(result).toEqual(fits ? appended : { kind: 'conflict', actual: known.length - 1 });
            if (fits) known.push(...idsOf(events));
            if (fits && repeat) expect(await ledger.append(name, revision, events)).toEqual(appended);
          }
          for (const [at, name] of streams.entries()) {
            expect(idsOf(await ledger.read(name))).toEqual(model[at]);
          }
        }),
        { numRuns: 25 },
      );
    });
  });
}
