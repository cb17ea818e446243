import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ledger, LedgerUnavailable, type RecordedEvent } from '../../src/ledger/ledger.ts';
import { eventsOf, follow, idsOf } from './events.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** Following the whole ledger in one order. Every test has a storage of its own, empty at first. */
export function subscribeContract(name: string, openStorage: OpenStorage): void {
  describe(`${name} keeps the contract of subscribing:`, () => {
    let storage: Storage;
    let ledger: Ledger;
    beforeEach(async () => {
      storage = await openStorage();
      ledger = await storage.open();
    });
    afterEach(() => storage.drop());

    const write = async (stream: string, count: number) => {
      const events = eventsOf(count);
      await ledger.append(stream, 'no-stream', events);
      return events;
    };

    it('an empty ledger is caught up with at once, at its head', async () => {
      // A server may keep events of its own.
      const head = await ledger.head();
      const { events, position } = await follow(ledger, ['track-']);
      expect(events).toEqual([]);
      expect(position === null ? head : ledger.isAtOrAfter(position, head ?? position)).toBe(
        position === null ? null : true,
      );
    });

    it('delivers the streams with the prefixes, as they are read, in the order of their appends', async () => {
      const [a, b] = [await write('track-a', 2), await write('message-b', 1)];
      await write('other-c', 3);
      await write('xtrack-d', 1);
      const d = await write('track-d', 2);
      const { events, position } = await follow(ledger, ['track-', 'message-']);
      expect(idsOf(events)).toEqual(idsOf([...a, ...b, ...d]));
      const read = await Promise.all(['track-a', 'message-b', 'track-d'].map((one) => ledger.read(one)));
      expect(events).toEqual(read.flat());
      expect(position).not.toBeNull();
    });

    it('is caught up at the head also where nothing, or nothing new, matches', async () => {
      await write('other-a', 3);
      const head = (await ledger.head()) ?? '';
      const first = await follow(ledger, ['track-']);
      expect(first.events).toEqual([]);
      expect(ledger.isAtOrAfter(first.position ?? '', head)).toBe(true);
      const again = await follow(ledger, ['track-'], { after: first.position });
      expect(again.events).toEqual([]);
      expect(ledger.isAtOrAfter(again.position ?? '', head)).toBe(true);
    });

    it('goes on after the position of any event or message, without it, and skips nothing', async () => {
      for (let n = 0; n < 6; n++) await write(`track-${n}`, 3);
      const { events, position } = await follow(ledger, ['track-']);
      for (const [at, event] of events.entries()) {
        const rest = await follow(ledger, ['track-'], { after: event.position });
        expect(idsOf(rest.events)).toEqual(idsOf(events.slice(at + 1)));
      }
      expect((await follow(ledger, ['track-'], { after: position })).events).toEqual([]);
    });

    it('positions are ordered as the events are delivered, and the head is not before the last', async () => {
      for (let n = 0; n < 4; n++) await write(`track-${n}`, 2);
      const { events } = await follow(ledger, ['track-']);
      for (const [at, { position }] of events.entries()) {
        for (const [other, { position: earlier }] of events.entries()) {
          expect(ledger.isAtOrAfter(position, earlier)).toBe(at >= other);
        }
      }
      const head = (await ledger.head()) ?? '';
      expect(ledger.isAtOrAfter(head, events.at(-1)?.position ?? '')).toBe(true);
    });

    it('says caught-up once, then delivers what comes, from any ledger on the storage', async () => {
      await write('track-a', 1);
      const other = await storage.open();
      const abort = new AbortController();
      const kinds: string[] = [];
      const seen: RecordedEvent[] = [];
      const later = eventsOf(3);
      for await (const message of ledger.subscribe({
        prefixes: ['track-'],
        after: null,
        signal: abort.signal,
      })) {
        kinds.push(message.kind);
        if (message.kind === 'events') seen.push(...message.events);
        else await other.append('track-b', 'no-stream', later);
        if (seen.length === 4) abort.abort();
      }
      expect(kinds.filter((kind) => kind === 'caught-up')).toHaveLength(1);
      expect(idsOf(seen.slice(1))).toEqual(idsOf(later));
    });

    it('skips nothing and keeps every order while many write at once', async () => {
      const ledgers = [ledger, await storage.open(), await storage.open()];
      const writers = 12;
      const rounds = 12;
      const total = writers * rounds * 2;
      const following = [null, null].map(() =>
        follow(ledger, ['track-'], { enough: (events) => events.length >= total }),
      );
      await Promise.all(
        Array.from({ length: writers }, async (_, writer) => {
          const through = ledgers[writer % ledgers.length] ?? ledger;
          for (let round = 0; round < rounds; round++) {
            const expected = round === 0 ? 'no-stream' : round * 2 - 1;
            const result = await through.append(`track-${writer}`, expected, eventsOf(2, round * 2));
            expect(result.kind).toBe('appended');
          }
        }),
      );
      const [one, two] = await Promise.all(following);
      expect(idsOf(one?.events ?? [])).toEqual(idsOf(two?.events ?? []));
      expect(new Set(idsOf(one?.events ?? [])).size).toBe(total);
      for (let writer = 0; writer < writers; writer++) {
        const own = (one?.events ?? []).filter(({ stream }) => stream === `track-${writer}`);
        expect(own.map(({ revision }) => revision)).toEqual(own.map((_, at) => at));
        expect(own).toEqual(await ledger.read(`track-${writer}`));
      }
    });

    it('ends promptly when its signal aborts: before, while it waits, while a batch is handled', async () => {
      await write('track-a', 1);
      const subscribe = (signal: AbortSignal) => ledger.subscribe({ prefixes: [''], after: null, signal });
      for await (const message of subscribe(AbortSignal.abort())) expect(message).toBeUndefined();
      const waiting = new AbortController();
      let endedMs = 0;
      for await (const message of subscribe(waiting.signal)) {
        if (message.kind === 'events') continue;
        setTimeout(() => {
          endedMs = performance.now();
          waiting.abort();
        }, 50);
      }
      expect(performance.now() - endedMs).toBeLessThan(500);
      const handling = new AbortController();
      let messages = 0;
      for await (const _ of subscribe(handling.signal)) {
        messages += 1;
        handling.abort();
      }
      expect(messages).toBe(1);
    });

    it('a handler that is slow gets everything, once and in order', async () => {
      const events = (
        await Promise.all(Array.from({ length: 10 }, (_, n) => write(`track-${n}`, 200)))
      ).flat();
      const abort = new AbortController();
      const seen: RecordedEvent[] = [];
      for await (const message of ledger.subscribe({
        prefixes: ['track-'],
        after: null,
        signal: abort.signal,
      })) {
        await sleep(20);
        if (message.kind === 'events') seen.push(...message.events);
        if (seen.length >= events.length) abort.abort();
      }
      expect(new Set(idsOf(seen))).toEqual(new Set(idsOf(events)));
      expect(seen).toHaveLength(events.length);
    });

    it('closing lets appends finish, ends subscriptions, and refuses what comes after', async () => {
      const subscribed = (async () => {
        for await (const _ of ledger.subscribe({
          prefixes: [''],
          after: null,
          signal: new AbortController().signal,
        }));
      })();
      const appends = Array.from({ length: 20 }, (_, n) =>
        ledger.append(`track-${n}`, 'no-stream', eventsOf(1)),
      );
      const closed = ledger.close();
      const late = expect(ledger.append('track-late', 'no-stream', eventsOf(1))).rejects.toBeInstanceOf(
        LedgerUnavailable,
      );
      expect(new Set((await Promise.all(appends)).map(({ kind }) => kind))).toEqual(new Set(['appended']));
      await Promise.all([closed, subscribed, late, ledger.close()]);
      const other = await storage.open();
      expect((await follow(other, ['track-'])).events).toHaveLength(20);
    });
  });
}
