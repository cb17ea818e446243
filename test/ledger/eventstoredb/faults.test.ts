import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEventStoreLedger } from '../../../src/ledger/eventstoredb.ts';
import { type Ledger, LedgerUnavailable, type NewEvent } from '../../../src/ledger/ledger.ts';
import { type Door, openDoor } from '../../support/door.ts';
import { type End, ends as toldBy } from '../../support/eventstoredb/errors.ts';
import { type AppendFault, noFaults } from '../../support/eventstoredb/faults.ts';
import { type StandIn, startStandIn } from '../../support/eventstoredb/server.ts';
import { randomFrom } from '../../support/random.ts';
import { eventsOf, follow, idsOf } from '../events.ts';
import { appendManyTimes } from './many-appends.ts';

const answerMsMax = 400;
const ends: readonly End[] = ['killed', 'stopped', 'cancelled', 'tooSlow', 'silent'];

let server: StandIn;
let ledger: Ledger;
beforeEach(async () => {
  server = await startStandIn();
  ledger = await openEventStoreLedger({ url: server.url, answerMsMax });
});
afterEach(async () => {
  server.thaw();
  server.faults = noFaults();
  await ledger.close();
  await server.stop();
});

/** Lets it befall the next append only. */
function once(fault: AppendFault): void {
  let due = true;
  server.faults = {
    ...noFaults(),
    append: () => {
      if (!due) return null;
      due = false;
      return fault;
    },
  };
}

const faults: readonly (readonly [string, AppendFault])[] = [
  ...ends.flatMap((end) =>
    (['before', 'after'] as const).map(
      (when) => [`the call ends (${end}) ${when} the commit`, { kind: 'drop', when, end }] as const,
    ),
  ),
  ['it is answered twice', { kind: 'twice' }],
  ['the answer comes late', { kind: 'late', ms: 3 * answerMsMax }],
  ['no answer comes, though it is committed', { kind: 'silence', committed: true }],
  ['no answer comes, and it is not committed', { kind: 'silence', committed: false }],
  ['the node does not lead', { kind: 'not-leader' }],
  ['the server runs into its own timeout', { kind: 'timeout' }],
];

describe('an append with an unknown outcome is settled by itself:', () => {
  it.each(faults)('%s', async (_, fault) => {
    const [first, second] = [eventsOf(1), eventsOf(2, 1)];
    await ledger.append('track-a', 'no-stream', first);
    once(fault);
    expect(await ledger.append('track-a', 0, second)).toEqual({ kind: 'appended', revision: 2 });
    expect(await ledger.append('track-a', 2, eventsOf(1, 3))).toEqual({ kind: 'appended', revision: 3 });
    const read = await ledger.read('track-a');
    expect(idsOf(read).slice(0, 3)).toEqual(idsOf([...first, ...second]));
    expect(read).toHaveLength(4);
  });

  it('what waits beside it is not lost either', async () => {
    once({ kind: 'drop', when: 'before', end: 'killed' });
    const appends = Array.from({ length: 50 }, (_, n) =>
      ledger.append(`track-${n}`, 'no-stream', eventsOf(2)),
    );
    expect(new Set((await Promise.all(appends)).map(({ kind }) => kind))).toEqual(new Set(['appended']));
    expect(server.database.log).toHaveLength(100);
  });

  it('the server is killed and comes back', async () => {
    await ledger.append('track-a', 'no-stream', eventsOf(1));
    await server.kill();
    const pending = ledger.append('track-a', 0, eventsOf(1));
    const reading = ledger.read('track-a');
    await sleep(300);
    await server.start();
    expect(await pending).toEqual({ kind: 'appended', revision: 1 });
    expect((await reading).length).toBeGreaterThan(0);
  });

  it('the server freezes for a while', async () => {
    await ledger.append('track-a', 'no-stream', eventsOf(1));
    server.freeze();
    const pending = [
      ledger.append('track-a', 0, eventsOf(1)),
      ledger.append('track-b', 'no-stream', eventsOf(1)),
    ];
    const reading = ledger.read('track-a');
    await sleep(2 * answerMsMax);
    server.thaw();
    expect(await Promise.all(pending)).toMatchObject([{ revision: 1 }, { revision: 0 }]);
    await reading;
    expect(await ledger.read('track-a')).toHaveLength(2);
  });

  it('the server freezes for as long as several answers take, with 64 appends under way', async () => {
    const events = Array.from({ length: 64 }, () => eventsOf(10));
    const append = async (round: number) => {
      const expected = round === 0 ? 'no-stream' : round - 1;
      const appends = events.map((of, n) =>
        ledger.append(`track-${n}`, expected, of.slice(round, round + 1)),
      );
      expect(new Set((await Promise.all(appends)).map((one) => one.kind))).toEqual(new Set(['appended']));
    };
    await append(0);
    server.freeze();
    const appending = append(1);
    // Amid the fourth attempt: then those before it are answered too, when nobody waits for them any more.
    await sleep(5.25 * answerMsMax);
    server.thaw();
    await appending;
    for (let round = 2; round < 10; round++) await append(round);
    for (const [n, written] of events.entries())
      expect(idsOf(await ledger.read(`track-${n}`))).toEqual(idsOf(written));
  });

  it.each(ends.filter((end) => end !== 'silent'))(
    'the server does not tell what it can do (%s)',
    async (end) => {
      let due = 2;
      server.faults = { ...noFaults(), abilities: () => (due-- > 0 ? toldBy[end]() : null) };
      expect(await ledger.append('track-a', 'no-stream', eventsOf(1))).toEqual({
        kind: 'appended',
        revision: 0,
      });
      expect(due).toBeLessThan(1);
    },
  );
});

describe('a ledger that is closed leaves no socket behind,', () => {
  let door: Door;
  let through: Ledger;
  beforeEach(async () => {
    await ledger.close();
    door = await openDoor({ host: '127.0.0.1', port: Number(/:(\d+)/.exec(server.url)?.[1]) });
    through = await openEventStoreLedger({ url: `esdb://127.0.0.1:${door.port}?tls=false`, answerMsMax });
  });
  afterEach(() => door.close());

  it('nor anybody who waits, where the server is frozen', async () => {
    server.freeze();
    const reading = through.read('track-a');
    await sleep(50);
    await through.close();
    await expect(reading).rejects.toThrow('The ledger is closed.');
    await expect.poll(() => door.connections()).toBe(0);
  });

  it('also where a connection was given up', async () => {
    server.freeze();
    const appending = through.append('track-a', 'no-stream', eventsOf(1));
    await sleep(3 * answerMsMax);
    server.thaw();
    await appending;
    await through.close();
    await expect.poll(() => door.connections()).toBe(0);
  });

  it.each(ends)('also where a subscription had ended (%s)', async (end) => {
    const abort = new AbortController();
    const following = (async () => {
      for await (const _ of through.subscribe({ prefixes: ['track-'], after: null, signal: abort.signal }));
    })();
    await expect.poll(() => server.subscriptions(), { timeout: 5000 }).toBe(1);
    server.endSubscriptions(end);
    await expect.poll(() => server.subscriptions()).toBe(0);
    await expect.poll(() => server.subscriptions(), { timeout: 5000 }).toBe(1);
    abort.abort();
    await following;
    await through.close();
    await expect.poll(() => door.connections()).toBe(0);
  });
});

it('an append whose outcome stays unknown ends after a bounded number of repetitions, and says so', async () => {
  let asked = 0;
  server.faults = {
    ...noFaults(),
    append: () => {
      asked += 1;
      return { kind: 'timeout' };
    },
  };
  const appending = ledger.append('track-a', 'no-stream', eventsOf(1));
  await expect(appending).rejects.toBeInstanceOf(LedgerUnavailable);
  await expect(appending).rejects.toThrow(
    /^track-a: the append has no clear outcome .* whether the clock of this machine is right\.$/,
  );
  expect(asked).toBe(11);
}, 90_000);

it('a process appends to one EventStoreDB at a time: an error of one client would reject what another waits for', async () => {
  const other = await startStandIn();
  await expect(openEventStoreLedger({ url: other.url })).rejects.toThrow(
    'This process appends to another EventStoreDB already: close that ledger first.',
  );
  await other.stop();
});

describe('a subscription goes on by itself, without a gap and without a repetition, after it ended:', () => {
  it.each(ends)('%s', async (end) => {
    const written: NewEvent[] = [];
    const write = async (count: number) => {
      const events = eventsOf(count);
      await ledger.append(`track-${written.length}`, 'no-stream', events);
      written.push(...events);
    };
    await write(40);
    const following = follow(ledger, ['track-'], { enough: (events) => events.length >= 160 });
    for (let round = 0; round < 3; round++) {
      await sleep(150);
      server.endSubscriptions(end);
      await write(40);
    }
    expect(idsOf((await following).events)).toEqual(idsOf(written));
    await expect.poll(() => server.subscriptions()).toBe(0);
  });

  it('in the middle of what was there before', async () => {
    const events = eventsOf(500);
    await ledger.append('track-a', 'no-stream', events);
    let due = [100, 50, 200];
    server.faults = {
      ...noFaults(),
      subscription: (sent) => {
        if (sent !== due[0]) return null;
        due = due.slice(1);
        return 'killed';
      },
    };
    expect(idsOf((await follow(ledger, ['track-'])).events)).toEqual(idsOf(events));
  });

  it('the server is killed and comes back', async () => {
    const [first, second] = [eventsOf(5), eventsOf(5)];
    await ledger.append('track-a', 'no-stream', first);
    const following = follow(ledger, ['track-'], { enough: (events) => events.length >= 10 });
    await sleep(200);
    await server.kill();
    await sleep(200);
    await server.start();
    await ledger.append('track-b', 'no-stream', second);
    expect(idsOf((await following).events)).toEqual(idsOf([...first, ...second]));
  });
});

describe('10,000 appends from four writers, duplicates among them, with faults at random,', () => {
  it('lose nothing, double nothing, and keep every stream in order', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = randomFrom(seed);
        const pick = <Value>(values: readonly Value[]) =>
          values[Math.floor(random() * values.length)] as Value;
        server.faults = {
          ...noFaults(),
          duplicateMs: 100,
          append: () => (random() < 0.006 ? pick(faults)[1] : null),
          subscription: () => (random() < 0.0005 ? pick(ends) : null),
        };
        await appendManyTimes(ledger, random, { writers: 4, streamsPerWriter: 25, appendsPerStream: 100 });
        expect(server.database.log).toHaveLength(10_000);
      }),
      { numRuns: 1, endOnFailure: true },
    );
  });
});
