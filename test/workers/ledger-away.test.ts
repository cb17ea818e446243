import { describe, expect, it } from 'vitest';
import { lookupKey } from '../../src/domain/lookup.ts';
import { trackStream } from '../../src/domain/stream-names.ts';
import { LedgerUnavailable } from '../../src/ledger/ledger.ts';
import { finds, foundFor, scripted, scriptedClients } from './clients.ts';
import { factsOfTrack, ofType, typesOf, useLedger, watched } from './ledgers.ts';
import { messageOf, openWorld, requestOf, until } from './world.ts';

const ledgerOf = useLedger();

function away(): never {
  throw new LedgerUnavailable('The ledger is away.');
}

describe('while the ledger is away', () => {
  it('no message is acknowledged and nothing is published, whichever append fails first', async () => {
    for (const failing of [1, 2]) {
      const ledger = watched(ledgerOf());
      const world = openWorld({ ledger, clients: scriptedClients({ spotify: finds, lastfm: finds }) });
      ledger.onAppend(async () => (ledger.appends.length >= failing ? away() : undefined));
      // Delivered again, so that the receipt is an append of its own.
      await expect(world.deliver(messageOf(requestOf()), true)).rejects.toThrow(LedgerUnavailable);
      expect(world.settled).toEqual([]);
      expect(world.queue.depth()).toMatchObject({ ready: 0, waiting: 0 });
    }
  });

  it('a task whose receipt was lost is not decided as if it had never been, though the ledger is back by then', async () => {
    const ledger = watched(ledgerOf());
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const spotify = scripted('spotify', async (lookup) => {
      await answered;
      return foundFor(lookup);
    });
    const world = openWorld({ ledger, clients: { spotify } });
    ledger.onAppend(async () => (ledger.appends.length === 1 ? away() : undefined));
    const request = requestOf();
    const message = messageOf(request);
    const working = world.deliver(message);
    // The receipt alone, after a second of waiting, in vain.
    await until(() => ledger.appends.length === 1);
    answer();
    await expect(working).rejects.toThrow(LedgerUnavailable);
    expect(world.settled).toEqual([]);
    await world.deliver(message, true);
    expect((await factsOfTrack(ledger, request.trackId)).at(-1)?.type).toBe('Enriched');
  });

  it('an answer whose append failed is nowhere: not decided on, not cached, and asked for again', async () => {
    const ledger = watched(ledgerOf());
    const spotify = scripted('spotify', finds);
    const slow = scripted('lastfm', async (lookup) => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return foundFor(lookup);
    });
    const world = openWorld({ ledger, clients: { spotify, lastfm: slow } });
    const request = requestOf();
    const message = messageOf(request);
    ledger.onAppend(async ({ types }) =>
      types.includes('ApiCalled') && ledger.appends.length < 3 ? away() : undefined,
    );
    await expect(world.deliver(message, true)).rejects.toThrow(LedgerUnavailable);
    const key = lookupKey('spotify', { kind: 'search', artist: request.artist, title: request.title });
    expect(await world.cache.get(key)).toBeNull();
    expect(typesOf(await factsOfTrack(ledger, request.trackId))).toEqual(['TaskReceived']);
    await world.deliver(message, true);
    expect(spotify.calls).toHaveLength(2);
    expect((await factsOfTrack(ledger, request.trackId)).at(-1)).toMatchObject({
      type: 'Enriched',
      data: { sources: ['spotify', 'lastfm'], leftOut: [] },
    });
  });

  it('a read that fails has the message come again, and everything is worked off once the ledger is back', async () => {
    const ledger = watched(ledgerOf());
    let isAway = true;
    ledger.onRead(async () => (isAway ? away() : undefined));
    ledger.onAppend(async () => (isAway ? away() : undefined));
    const clients = scriptedClients({ spotify: finds });
    const world = openWorld({ ledger, clients, queue: { deliveryLimit: 1000, redeliveryDelayMs: 20 } });
    const requests = Array.from({ length: 20 }, () => requestOf());
    const consumer = world.queue.consume(world.handle, { lanes: ['real-time'], concurrency: 8 });
    for (const request of requests) await world.queue.publish(messageOf(request));
    await until(() => ledger.reads.length > 30);
    expect(world.settled).toEqual([]);
    isAway = false;
    await until(() => world.settled.length === 20);
    await consumer.stop();
    for (const { trackId } of requests) {
      const facts = await factsOfTrack(ledgerOf(), trackId);
      expect(ofType(facts, 'Enriched')).toHaveLength(1);
      // What could not be recorded is not held against the task.
      expect(ofType(facts, 'TaskReceived').at(-1)?.data.delivery).toBeLessThan(5);
    }
    expect(world.queue.depth()).toMatchObject({ ready: 0, waiting: 0, inFlight: 0, deadLetters: 0 });
  });

  it('an append that was made although its answer was lost counts once', async () => {
    const ledger = watched(ledgerOf());
    const spotify = scripted('spotify', finds);
    const world = openWorld({ ledger, clients: { spotify } });
    const request = requestOf();
    const message = messageOf(request);
    let lost = false;
    const { append } = ledgerOf();
    const losing = {
      ...ledger,
      append: async (...told: Parameters<typeof append>) => {
        const result = await append(...told);
        if (!lost) {
          lost = true;
          away();
        }
        return result;
      },
    };
    const first = openWorld({ ledger: losing, clients: { spotify } });
    await expect(first.deliver(message)).rejects.toThrow(LedgerUnavailable);
    const facts = await factsOfTrack(ledger, request.trackId);
    await world.deliver(message, true);
    const ends = ofType(await factsOfTrack(ledger, request.trackId), 'Enriched');
    expect(ends).toHaveLength(1);
    expect(spotify.calls).toHaveLength(1);
    expect((await ledgerOf().read(trackStream(request.trackId))).slice(0, facts.length)).toHaveLength(
      facts.length,
    );
  });
});

describe('what watches the worker', () => {
  it('may fail at every turn without a task being lost, worked twice or published twice', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error) => warnings.push(warning.message);
    process.on('warning', onWarning);
    const broken = () => {
      throw new Error('the log is full');
    };
    const observer = {
      taskStarted: broken,
      appended: broken,
      followUpPublished: broken,
      settled: broken,
      otherBody: broken,
    };
    const spotify = scripted('spotify', finds);
    const world = openWorld({ ledger: ledgerOf(), clients: { spotify }, observer });
    const request = requestOf();
    await world.deliver(messageOf(request));
    await world.deliver({ ...messageOf(request), body: 'unreadable' });
    expect(typesOf(await factsOfTrack(ledgerOf(), request.trackId))).toEqual([
      'TaskReceived',
      'ApiCalled',
      'Enriched',
    ]);
    expect(spotify.calls).toHaveLength(1);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    expect(warnings).toEqual([expect.stringContaining('the log is full')]);
  });
});
