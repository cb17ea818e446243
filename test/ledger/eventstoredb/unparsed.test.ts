import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Ledger, RecordedEvent } from '../../../src/ledger/ledger.ts';
import { anyJsonObject, eventOf, follow } from '../events.ts';
import type { Storage } from '../storage.ts';
import { parsedOf } from '../stored.ts';
import { describeOnEveryServer, type EventStoreServer } from './servers.ts';
import { openEventStoreStorage } from './storage.ts';

describeOnEveryServer('a subscription that parses nothing', (start) => {
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

  it('hands over the same events as one that does, whatever they hold', async () => {
    const subscribeStored = ledger.subscribeStored;
    if (subscribeStored === undefined) throw new Error('It has none.');
    /** The same ledger, whose subscription is that one, parsed here. */
    const parsing: Ledger = {
      ...ledger,
      async *subscribe(options) {
        for await (const message of subscribeStored(options)) {
          if (message.kind === 'caught-up') yield message;
          else {
            const events = message.events.map(
              (event): RecordedEvent => ({ ...parsedOf(event), position: event.position }),
            );
            yield { ...message, events };
          }
        }
      },
    };
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(anyJsonObject, anyJsonObject), { maxLength: 6 }), async (all) => {
        const prefix = `stored-${round++}-`;
        for (const [n, [data, metadata]] of all.entries()) {
          await ledger.append(
            `${prefix}${n % 2}`,
            Math.floor(n / 2) - 1 < 0 ? 'no-stream' : Math.floor(n / 2) - 1,
            [{ ...eventOf(data), metadata }],
          );
        }
        const { events } = await follow(ledger, [prefix]);
        expect(events).toHaveLength(all.length);
        expect((await follow(parsing, [prefix])).events).toEqual(events);
      }),
      { numRuns: 30 },
    );
  }, 60_000);
});
