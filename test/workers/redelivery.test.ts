import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { lookupKey } from '../../src/domain/lookup.ts';
import { finds, foundFor, scripted, scriptedClients, throttledFor, unavailable } from './clients.ts';
import { factsOfTrack, ofType, typesOf, useLedger, watched } from './ledgers.ts';
import { messageOf, openWorld, requestOf, taken, until } from './world.ts';

const ledgerOf = useLedger();

describe('a message that is delivered again', () => {
  it('first appends its receipt with the number of the delivery; the fifth ends the task as one that crashes', async () => {
    const ledger = watched(ledgerOf());
    const spotify = scripted('spotify', () => Promise.reject(new Error('it kills')));
    const world = openWorld({ ledger, clients: { spotify } });
    const request = requestOf();
    const message = messageOf(request);
    await expect(world.deliver(message)).rejects.toThrow('it kills');
    for (let delivery = 2; delivery < 5; delivery++) {
      const calls = spotify.calls.length;
      ledger.onAppend(async ({ types }) => {
        if (types.includes('TaskReceived')) expect(spotify.calls).toHaveLength(calls);
        return undefined;
      });
      await expect(world.deliver(message, true)).rejects.toThrow('it kills');
      const received = ofType(await factsOfTrack(ledger, request.trackId), 'TaskReceived');
      expect(received.at(-1)?.data.delivery).toBe(delivery);
    }
    const calls = spotify.calls.length;
    await world.deliver(message, true);
    expect(spotify.calls).toHaveLength(calls);
    expect((await factsOfTrack(ledger, request.trackId)).at(-1)).toMatchObject({
      type: 'Failed',
      data: { reason: 'crashes', final: true, message: expect.stringContaining('Delivery 5') },
    });
    expect(world.settled).toMatchObject([{ taskId: message.id, task: { end: { kind: 'failed' } } }]);
    // And once more: finished, nothing to do.
    await world.deliver(message, true);
    expect(spotify.calls).toHaveLength(calls);
    expect(ofType(await factsOfTrack(ledger, request.trackId), 'Failed')).toHaveLength(1);
  });

  it('does not ask again for what the ledger has of this task', async () => {
    const ledger = watched(ledgerOf());
    const clients = scriptedClients({
      spotify: finds,
      musicbrainz: async () => {
        await sleep(200);
        throw new Error('killed');
      },
      lastfm: finds,
    });
    const world = openWorld({ ledger, clients });
    const request = requestOf();
    const message = messageOf(request);
    await expect(world.deliver(message)).rejects.toThrow('killed');
    const before = await factsOfTrack(ledger, request.trackId);
    expect(
      ofType(before, 'ApiCalled')
        .map(({ data }) => data.provider)
        .sort(),
    ).toEqual(['lastfm', 'spotify']);
    const other = scriptedClients({ spotify: finds, musicbrainz: finds, lastfm: finds });
    const after = openWorld({ ledger, clients: other });
    await after.deliver(message, true);
    expect(other.spotify.calls).toEqual([]);
    // Whoever was cut off may not have come to filling the cache.
    const { artist, title } = request;
    const cached = await after.cache.get(lookupKey('spotify', { kind: 'search', artist, title }));
    expect(cached?.eventId).toBe(
      ofType(before, 'ApiCalled').find(({ data }) => data.provider === 'spotify')?.id,
    );
    expect(other.lastfm.calls).toEqual([]);
    expect(other.musicbrainz.calls).toHaveLength(1);
    const [enriched] = ofType(await factsOfTrack(ledger, request.trackId), 'Enriched');
    expect(enriched?.data).toMatchObject({ sources: ['spotify', 'musicbrainz', 'lastfm'] });
  });

  it('repeats the consequence of a finished task and none of its work', async () => {
    const clients = scriptedClients({ spotify: finds, lastfm: unavailable });
    const world = openWorld({ ledger: ledgerOf(), clients });
    const request = requestOf();
    const message = messageOf(request);
    await world.deliver(message);
    const facts = await factsOfTrack(ledgerOf(), request.trackId);
    await world.deliver(message, true);
    expect(await factsOfTrack(ledgerOf(), request.trackId)).toEqual(facts);
    const [first, second] = [await taken(world), await taken(world)];
    expect(second).toEqual(first);
    expect(world.settled.map(({ worked }) => worked)).toEqual([true, false]);
    if (first === null) return;
    // Of two equal follow-ups the second finds its task finished.
    const lastfm = scripted('lastfm', finds);
    const later = openWorld({ ledger: ledgerOf(), clients: { ...clients, lastfm } });
    await later.deliver(first);
    await later.deliver(first);
    expect(lastfm.calls).toHaveLength(1);
    // And what is finished is not published a third time.
    await world.deliver(message, true);
    expect(await taken(world, 100)).toBeNull();
  });

  it('comes again by the queue until it is worked off', async () => {
    const spotify = scripted('spotify', (lookup, call) =>
      call < 3 ? Promise.reject(new Error('it kills')) : foundFor(lookup),
    );
    const world = openWorld({ ledger: ledgerOf(), clients: { spotify } });
    const consumer = world.queue.consume(world.handle, { lanes: ['real-time'], concurrency: 4 });
    const request = requestOf();
    await world.queue.publish(messageOf(request));
    await until(() => world.settled.length === 1);
    await consumer.stop();
    const deliveries = ofType(await factsOfTrack(ledgerOf(), request.trackId), 'TaskReceived');
    expect(deliveries.map(({ data }) => data.delivery)).toEqual([2, 3]);
  });
});

describe('suspects', () => {
  function counting() {
    const seen = { now: 0, most: 0 };
    const spotify = scripted('spotify', async (lookup) => {
      seen.now += 1;
      seen.most = Math.max(seen.most, seen.now);
      await sleep(10);
      seen.now -= 1;
      return foundFor(lookup);
    });
    return { seen, spotify };
  }

  it('are worked one at a time, while others go on beside them', async () => {
    const { seen, spotify } = counting();
    const world = openWorld({ ledger: ledgerOf(), clients: { spotify } });
    const messages = Array.from({ length: 5 }, () => messageOf(requestOf()));
    await Promise.all(messages.map((message) => world.deliver(message, true)));
    expect(seen.most).toBe(1);
    const others = Array.from({ length: 5 }, () => messageOf(requestOf()));
    await Promise.all([
      ...messages.map((message) => world.deliver({ ...message, id: `${message.id}x` }, true)),
      ...others.map((message) => world.deliver(message)),
    ]);
    expect(seen.most).toBeGreaterThan(3);
  });

  it('are, after a restart, the tasks that an earlier worker received and did not decide', async () => {
    const { seen, spotify } = counting();
    const killed = openWorld({
      ledger: ledgerOf(),
      clients: { spotify: scripted('spotify', () => Promise.reject(new Error('killed'))) },
    });
    const messages = Array.from({ length: 4 }, () => messageOf(requestOf()));
    await Promise.allSettled(messages.map((message) => killed.deliver(message)));
    await sleep(1100);
    const world = openWorld({ ledger: ledgerOf(), clients: { spotify }, assumeNew: false });
    await Promise.all(messages.map((message) => world.deliver(message)));
    expect(seen.most).toBe(1);
    for (const { settled } of [world]) expect(settled).toHaveLength(4);
    const fresh = Array.from({ length: 4 }, () => messageOf(requestOf()));
    await Promise.all(fresh.map((message) => world.deliver(message)));
    expect(seen.most).toBeGreaterThan(1);
  });

  it('are not the next hops of tasks that were decided: after a restart these go side by side as ever', async () => {
    const first = openWorld({
      ledger: ledgerOf(),
      clients: { spotify: scripted('spotify', throttledFor(20)) },
      patience: { requestMs: 1, followUpMs: 1 },
    });
    const messages = Array.from({ length: 4 }, () => messageOf(requestOf()));
    await Promise.all(messages.map((message) => first.deliver(message)));
    const hops = [await taken(first), await taken(first), await taken(first), await taken(first)];
    const { seen, spotify } = counting();
    const world = openWorld({ ledger: ledgerOf(), clients: { spotify }, assumeNew: false });
    await Promise.all(hops.map((hop) => (hop === null ? null : world.deliver(hop))));
    expect(world.settled).toHaveLength(4);
    expect(seen.most).toBeGreaterThan(1);
  });
});

describe('an erased track', () => {
  it('has its late messages acknowledged, without a call and without a fact', async () => {
    const { spotify } = scriptedClients({ spotify: finds });
    const world = openWorld({ ledger: ledgerOf(), clients: { spotify } });
    const request = requestOf();
    const message = messageOf(request);
    await world.deliver(message);
    const facts = await factsOfTrack(ledgerOf(), request.trackId);
    const last = facts.at(-1);
    if (last === undefined) throw new Error('the task is done');
    const erased = { taskIds: [message.id], eventCount: facts.length, by: 'me', why: 'asked' };
    await ledgerOf().append(`track-${request.trackId}`, facts.length - 1, [
      {
        id: crypto.randomUUID(),
        type: 'Erased',
        data: erased,
        metadata: { ...last.meta } as unknown as Record<string, string>,
      },
    ]);
    await world.deliver(message, true);
    await world.deliver(messageOf(request, { hop: 1 }));
    const origin = { kind: 'follow-up', ofTaskId: message.id, provider: 'spotify' } as const;
    await world.deliver(messageOf(request, { origin }));
    expect(spotify.calls).toHaveLength(1);
    expect(typesOf(await factsOfTrack(ledgerOf(), request.trackId)).at(-1)).toBe('Erased');
    expect(world.settled.slice(1)).toMatchObject([
      { task: null, worked: false },
      { task: null },
      { task: null },
    ]);
  });
});
