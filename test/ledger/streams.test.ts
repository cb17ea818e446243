import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Ledger,
  LedgerUnavailable,
  type RecordedEvent,
  type StoredEvent,
} from '../../src/ledger/ledger.ts';
import { openPostgresLedger } from '../../src/ledger/postgres.ts';
import { eventsOf } from '../../src/ledger/streams-page.ts';
import { createPageMemory } from '../../src/threads/page-memory.ts';
import { eventOf } from './events.ts';
import { openPostgresStorage, type PostgresStorage } from './postgres-storage.ts';
import { parsedOf } from './stored.ts';

let storage: PostgresStorage;
let ledger: Ledger;
beforeEach(async () => {
  storage = await openPostgresStorage();
  ledger = await storage.open();
});
afterEach(() => storage.drop());

type Options = Partial<Parameters<NonNullable<Ledger['streams']>>[0]>;

async function* streamsOf(options: Options = {}, from = ledger): AsyncGenerator<readonly StoredEvent[]> {
  if (from.streams === undefined) throw new Error('It hands out no streams.');
  const { signal } = new AbortController();
  const memory = createPageMemory();
  const all = { prefixes: ['track-'], upTo: '9999999', afterStream: null, memory, signal, ...options };
  for await (const page of from.streams(all)) {
    const events = [...eventsOf(page)].flat();
    memory.give(page);
    yield events;
  }
}

async function all(options: Options = {}, from = ledger) {
  const batches: (readonly StoredEvent[])[] = [];
  for await (const batch of streamsOf(options, from)) batches.push(batch);
  return batches;
}

const seen = ({ stream, revision, id, type, data, metadata }: Omit<RecordedEvent, 'position'>) => ({
  stream,
  revision,
  id,
  type,
  data,
  metadata,
});

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\t',
        '\n',
        '\r',
        '\\',
        '\\.',
        '\\N',
        '\\t',
        '\b',
        '\v',
        '\f',
        '"',
        "'",
        '\u2028',
        '\ufeff',
        'é',
        '😀',
        '\\u0041',
      ),
      fc.string({ unit: 'grapheme', maxLength: 4 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join('').replaceAll('\0', ''));

const appends = fc.array(
  fc.record({
    stream: fc
      .tuple(fc.constantFrom('track-', 'track-', 'track-', 'message-', 'other-', '\ufefftrack-'), hostile)
      .map(([a, b]) => `${a}${b}`),
    texts: fc.array(hostile, { minLength: 1, maxLength: 4 }),
  }),
  { maxLength: 12 },
);

describe('the streams of the PostgreSQL ledger', () => {
  it('are those with the prefixes, each whole and once, as it was at the position, whatever texts they hold', async () => {
    await fc.assert(
      fc.asyncProperty(appends, fc.nat(), fc.nat(), async (made, anyPosition, anyStream) => {
        await storage.database.query('TRUNCATE ledger.events');
        await storage.database.query('UPDATE ledger.head SET position = 0');
        const heads = new Map<string, number>();
        for (const { stream, texts } of made) {
          const head = heads.get(stream) ?? -1;
          const events = texts.map((text) => ({
            ...eventOf({ text, [text]: [text] }, `T ${text}`),
            id: randomUUID(),
          }));
          await ledger.append(stream, head < 0 ? 'no-stream' : head, events);
          heads.set(stream, head + events.length);
        }
        const prefixes = ['track-', 'message-'];
        const upTo = String(anyPosition % (Number((await ledger.head()) ?? '0') + 1));
        const batches = await all({ prefixes, upTo });
        const found = batches.flat().map(parsedOf);
        const order = [...new Set(found.map(({ stream }) => stream))];
        const expected: RecordedEvent[] = [];
        for (const stream of order) {
          for (const event of await ledger.read(stream)) {
            if (ledger.isAtOrAfter(upTo, event.position)) expected.push(event);
          }
        }
        expect(found.map(seen)).toEqual(expected.map(seen));
        // None is missing: the streams that begin at or before the position.
        for (const stream of heads.keys()) {
          const [first] = await ledger.read(stream, { maxCount: 1 });
          const isThere =
            first !== undefined &&
            ledger.isAtOrAfter(upTo, first.position) &&
            prefixes.some((one) => stream.startsWith(one));
          expect(order.includes(stream), stream).toBe(isThere);
        }
        // From any of them it goes on with the next.
        if (order.length === 0) return;
        const at = anyStream % order.length;
        const rest = await all({ prefixes, upTo, afterStream: order[at] ?? null });
        expect(rest.flat()).toEqual(batches.flat().filter(({ stream }) => order.indexOf(stream) > at));
      }),
      { numRuns: 40, interruptAfterTimeLimit: 60_000 },
    );
  }, 90_000);

  const many = async (count: number) =>
    storage.database.query(
      `WITH moved AS (UPDATE ledger.head SET position = ${count})
       INSERT INTO ledger.events (position, stream, revision, id, type, data, metadata)
       SELECT n, 'track-' || (n - 1) / 7, (n - 1) % 7, gen_random_uuid(), 'Happened', json_build_object('n', n, 'text', repeat('x', 500)), '{}'
         FROM generate_series(1, ${count}) AS n`,
    );

  it('come in batches of whole streams, in one order, that of going on as well', async () => {
    await many(21_000);
    const batches = await all();
    expect(batches.length).toBeGreaterThan(5);
    const streams = batches.map((batch) => [...new Set(batch.map(({ stream }) => stream))]);
    expect(new Set(streams.flat()).size).toBe(3000);
    expect(streams.flat()).toHaveLength(3000);
    for (const batch of batches) {
      expect(batch.length % 7).toBe(0);
      expect(batch.every(({ revision }, at) => revision === at % 7)).toBe(true);
    }
    const afterStream = streams[2]?.at(-1) ?? '';
    expect((await all({ afterStream })).flat()).toEqual(batches.slice(3).flat());
  });

  it('are whole also where the server has to wait for whoever reads them, up to its last word', async () => {
    await many(42_000);
    const batches: number[] = [];
    for await (const batch of streamsOf()) {
      batches.push(batch.length);
      // Long enough for all that is on its way to arrive.
      await sleep(60);
    }
    expect(batches.length).toBeGreaterThan(10);
    expect(batches.reduce((sum, count) => sum + count, 0)).toBe(42_000);
  });

  it('end with the reason of the signal, before, in the midst, and not as if they had been whole', async () => {
    await many(21_000);
    await expect(all({ signal: AbortSignal.abort(new Error('no more')) })).rejects.toThrow('no more');
    const stopping = new AbortController();
    let batches = 0;
    const stopped = (async () => {
      for await (const _ of streamsOf({ signal: stopping.signal })) {
        if (++batches === 2) stopping.abort(new Error('no more'));
      }
    })();
    await expect(stopped).rejects.toThrow('no more');
    const closing = await openPostgresLedger({ url: storage.database.url });
    const closed = (async () => {
      for await (const _ of streamsOf({}, closing)) void closing.close();
    })();
    await expect(closed).rejects.toThrow();
  });

  it('leave no connection behind when whoever reads them has seen enough, and say when theirs was cut', async () => {
    await many(42_000);
    const sessions = async () =>
      (
        await storage.database.query(
          `SELECT pid FROM pg_stat_activity WHERE application_name = 'enrichment-ledger-streams' AND datname = current_database()`,
        )
      ).length;
    for await (const _ of streamsOf()) break;
    await expect.poll(sessions, { timeout: 10_000 }).toBe(0);
    const cut = (async () => {
      for await (const _ of streamsOf()) {
        await storage.database.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'enrichment-ledger-streams'
              AND datname = current_database()`,
        );
        await sleep(20);
      }
    })();
    await expect(cut).rejects.toBeInstanceOf(LedgerUnavailable);
  });
});
