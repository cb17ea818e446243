import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Ledger, RecordedEvent } from '../../../src/ledger/ledger.ts';
import { eventsOf, idsOf } from '../events.ts';
import type { Storage } from '../storage.ts';
import { describeOnEveryServer, type EventStoreServer } from './servers.ts';
import { openEventStoreStorage } from './storage.ts';

const handlerMs = 5;
const appends = 40;
const eventsPerAppend = 500;

describeOnEveryServer('a handler that takes 5 ms an event', (start) => {
  let server: EventStoreServer;
  let storage: Storage;
  let ledger: Ledger;
  beforeAll(async () => {
    server = await start();
    storage = await openEventStoreStorage(server.url);
    ledger = await storage.open();
  });
  afterAll(async () => {
    await storage.drop();
    await server.stop();
  });

  it('gets every event of a burst of 20,000, in order, without a gap', { timeout: 240_000 }, async () => {
    const abort = new AbortController();
    const seen: RecordedEvent[] = [];
    const written = Array.from({ length: appends }, () => eventsOf(eventsPerAppend));
    let bursting: Promise<unknown> | null = null;
    for await (const message of ledger.subscribe({
      prefixes: ['track-'],
      after: null,
      signal: abort.signal,
    })) {
      if (message.kind === 'caught-up') {
        bursting ??= Promise.all(
          written.map((events, n) => ledger.append(`track-${n}`, 'no-stream', events)),
        );
        continue;
      }
      await sleep(handlerMs * message.events.length);
      seen.push(...message.events);
      if (seen.length >= appends * eventsPerAppend) abort.abort();
    }
    await bursting;
    expect(seen).toHaveLength(appends * eventsPerAppend);
    for (const [n, events] of written.entries()) {
      expect(idsOf(seen.filter(({ stream }) => stream === `track-${n}`))).toEqual(idsOf(events));
    }
  });
});
