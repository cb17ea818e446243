import { randomUUID } from 'node:crypto';
import { binaryEvent, EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEventStoreLedger } from '../../../src/ledger/eventstoredb.ts';
import { parseSent } from '../../../src/ledger/eventstoredb-message.ts';
import type {
  Ledger,
  RecordedEvent,
  SentEvent,
  StoredEvent,
  SubscribeOptions,
  SubscriptionMessage,
} from '../../../src/ledger/ledger.ts';
import { eventsOf } from '../../../src/ledger/streams-page.ts';
import { type Arrival, arrivalOf, storedArrivalOf } from '../../../src/projections/arrival.ts';
import { createSentPages, createStager } from '../../../src/projections/stage-page.ts';
import { createPageMemory } from '../../../src/threads/page-memory.ts';
import { eventMessage } from '../../support/eventstoredb/messages.ts';
import { anyJsonObject, eventOf, follow } from '../events.ts';
import { parsedOf } from '../stored.ts';
import { describeOnEveryServer, type EventStoreServer } from './servers.ts';

const memory = createPageMemory();
const [headerBytes, trailerBytes] = [19, 2];

/** As it is read back from the staging table. */
function stagedOf(event: SentEvent): StoredEvent {
  const pages = createSentPages(memory, 10);
  pages.add(event);
  const { rows } = createStager()(pages.take());
  const [[staged] = []] = eventsOf(rows.subarray(headerBytes, -trailerBytes));
  if (staged === undefined) throw new Error('It was not staged.');
  return staged;
}

describeOnEveryServer('a subscription that parses nothing', (start) => {
  let server: EventStoreServer;
  let ledger: Ledger;
  beforeAll(async () => {
    server = await start();
    ledger = await openEventStoreLedger({ url: server.url });
  });
  afterAll(async () => {
    await ledger.close();
    await server.stop();
  });

  it('hands over the same events as one that does, whatever they hold', async () => {
    /** The same ledger, whose subscription is that one, parsed here. */
    const parsing: Ledger = {
      ...ledger,
      async *subscribe(options) {
        for await (const message of ledger.subscribeSent?.(options) ?? []) {
          if (message.kind === 'caught-up') yield message;
          else {
            const events = message.events.map(
              (event): RecordedEvent => ({ ...parsedOf(stagedOf(event)), position: event.position }),
            );
            yield { ...message, events };
          }
        }
      },
    };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(anyJsonObject, anyJsonObject), { maxLength: 6 }), async (all) => {
        const prefix = `sent-${randomUUID()}-é`;
        for (const [n, [data, metadata]] of all.entries()) {
          const revision = Math.floor(n / 2) - 1;
          const expected = revision < 0 ? 'no-stream' : revision;
          await ledger.append(`${prefix}${n % 2}`, expected, [{ ...eventOf(data), metadata }]);
        }
        const { events } = await follow(ledger, [prefix]);
        expect(events).toHaveLength(all.length);
        expect((await follow(parsing, [prefix])).events).toEqual(events);
      }),
      { numRuns: 30 },
    );
  }, 60_000);

  it('and what is no JSON, though it is said to be, is staged as what is parked when it comes by', () => {
    const call = '{"provider":"spotify","lookup":{"kind":"isrc","isrc":"x"},"outcome":{"kind":"missing"';
    const end = '},"httpStatus":200,"durationMs":1,"calledAt":"2026-01-01T00:00:00.000Z","superseded":false}';
    const about = '{"occurredAt":"2026-01-01T00:00:00.000Z","taskId":"a","hop":0,"schemaVersion":1}';
    const texts = [
      call + end,
      `${call},oops${end}`,
      `${call}\0${end}`,
      `\ufeff${call}${end}`,
      '',
      '{',
      'null',
      '[]',
      '"x"',
    ];
    const abouts = [about, '', 'null', ' null', '{', '"x"', '[1]', about.replace('"hop":0', '"hop":0,oops')];
    const entry = { id: randomUUID(), stream: 'track-a', contentType: 'application/json', createdMs: 0 };
    const bytesOf = (text: string) =>
      Buffer.concat([Buffer.from(text), Buffer.from(text === '{' ? [255] : [])]);
    let readable = 0;
    for (const type of ['ApiCalled', 'Enriched', 'toString', '__proto__', 'Strange']) {
      for (const data of texts) {
        for (const metadata of abouts) {
          const message = eventMessage({
            ...{ ...entry, type, revision: 3n, position: 7n },
            ...{ data: bytesOf(data), metadata: bytesOf(metadata) },
          });
          const sent = { bytes: message.serializeBinary(), position: '7/7' };
          const live = arrivalOf(parseSent(sent));
          expect(storedArrivalOf(stagedOf(sent)), `${type} ${data} ${metadata}`).toEqual(
            live.event === null ? live : expect.objectContaining({ id: live.id, reason: '' }),
          );
          if (live.event !== null) readable += 1;
        }
      }
    }
    expect(readable).toBe(1);
  });

  it('hands over what others wrote, which need not be JSON, so that the same is said of it', async () => {
    const prefix = `foreign-${randomUUID()}`;
    const client = EventStoreDBClient.connectionString(server.url);
    try {
      const call = { provider: 'spotify', lookup: { kind: 'isrc', isrc: 'é' }, superseded: false };
      const meta = { occurredAt: '2026-01-01T00:00:00.000Z', taskId: 'é', hop: 0, schemaVersion: 1 };
      await client.appendToStream(prefix, [
        jsonEvent({ type: 'ApiCalled', data: { ...call, outcome: { kind: 'missing' } }, metadata: meta }),
        jsonEvent({ type: 'ApiCalled', data: { ...call, outcome: { kind: 'missing' } } }),
        jsonEvent({ type: 'ApiCalled', data: [call] as never, metadata: meta }),
        jsonEvent({ type: 'Failed', data: 'é' as never, metadata: meta }),
        binaryEvent({ type: 'ApiCalled', data: Buffer.from(JSON.stringify(call)), metadata: meta as never }),
        binaryEvent({ type: 'Enriched', data: Buffer.from([0, 255, 92, 9, 10]) }),
        jsonEvent({ type: 'constructor', data: {}, metadata: meta }),
        jsonEvent({ type: 'Failed', data: {}, metadata: null as never }),
      ] as never[]);
      const said = async <Event>(
        subscribe: (options: SubscribeOptions) => AsyncIterable<SubscriptionMessage<Event>>,
        arrival: (event: Event) => Arrival,
      ) => {
        const signal = AbortSignal.timeout(15_000);
        const arrivals: Arrival[] = [];
        for await (const message of subscribe({ prefixes: [prefix], after: null, signal })) {
          if (message.kind === 'caught-up') break;
          arrivals.push(...message.events.map(arrival));
        }
        return arrivals;
      };
      const arrivals = await said(ledger.subscribe, arrivalOf);
      expect(arrivals.map(({ event }) => event === null)).toEqual([false, ...Array(7).fill(true)]);
      const sent = ledger.subscribeSent;
      expect(sent && (await said(sent, (event) => storedArrivalOf(stagedOf(event))))).toEqual(arrivals);
    } finally {
      await client.dispose();
    }
  }, 60_000);
});
