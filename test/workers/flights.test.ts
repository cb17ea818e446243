import { describe, expect, it } from 'vitest';
import { trackStream } from '../../src/domain/stream-names.ts';
import {
  finds,
  foundFor,
  misused,
  scripted,
  scriptedClients,
  throttledFor,
  unauthorised,
  unavailable,
} from './clients.ts';
import { factsOfTrack, ofType, typesOf, useLedger, watched } from './ledgers.ts';
import { messageOf, newTrackId, openWorld, requestOf, until } from './world.ts';

const ledgerOf = useLedger();

/** Tasks of different tracks that ask for the same. */
function alike(count: number) {
  const first = requestOf();
  return [first, ...Array.from({ length: count - 1 }, () => ({ ...first, trackId: newTrackId() }))];
}

/** An answer that comes when the test says so, and not before. */
function later() {
  let come: () => void = () => undefined;
  const came = new Promise<void>((resolve) => {
    come = resolve;
  });
  return { come, came };
}

describe('tasks that ask for the same at the same time', () => {
  it('make one call between 50 of them, and each records where its answer came from', async () => {
    const { come, came } = later();
    const spotify = scripted('spotify', async (lookup) => {
      await came;
      return foundFor(lookup, { bpm: 120 });
    });
    const world = openWorld({ ledger: ledgerOf(), clients: { spotify } });
    const requests = alike(50);
    const working = requests.map((request) => world.deliver(messageOf(request)));
    await until(() => spotify.calls.length > 0);
    come();
    await Promise.all(working);
    expect(spotify.calls).toHaveLength(1);
    const streams = await Promise.all(requests.map(({ trackId }) => factsOfTrack(ledgerOf(), trackId)));
    const [call, ...otherCalls] = streams.flatMap((facts) => ofType(facts, 'ApiCalled'));
    expect(otherCalls).toEqual([]);
    const hits = streams.flatMap((facts) => ofType(facts, 'CacheHit'));
    expect(hits).toHaveLength(49);
    for (const { data } of hits) expect(data).toMatchObject({ via: 'flight', eventId: call?.id });
    for (const facts of streams) expect(facts.at(-1)?.type).toBe('Enriched');
  });

  it.each([
    ['unavailable', unavailable, 2, 'Failed'],
    ['throttled', throttledFor(60_000), 1, 'Deferred'],
  ] as const)(
    'go with the failure of the flight that they followed: %s',
    async (_what, outcome, calls, type) => {
      const { come, came } = later();
      const spotify = scripted('spotify', async () => {
        await came;
        return outcome;
      });
      const world = openWorld({ ledger: ledgerOf(), clients: { spotify } });
      const requests = alike(50);
      const working = requests.map((request) => world.deliver(messageOf(request)));
      await until(() => spotify.calls.length > 0);
      come();
      await Promise.all(working);
      expect(spotify.calls).toHaveLength(calls);
      for (const { trackId } of requests) {
        const facts = await factsOfTrack(ledgerOf(), trackId);
        expect(facts.at(-1)?.type).toBe(type);
        expect(ofType(facts, 'CacheHit')).toEqual([]);
      }
    },
  );

  it('go on without the provider where it refuses our credentials', async () => {
    const { come, came } = later();
    const clients = scriptedClients({
      spotify: async () => {
        await came;
        return unauthorised;
      },
      lastfm: finds,
    });
    const world = openWorld({ ledger: ledgerOf(), clients });
    const requests = alike(10);
    const working = requests.map((request) => world.deliver(messageOf(request)));
    await until(() => clients.spotify.calls.length > 0);
    come();
    await Promise.all(working);
    expect(clients.spotify.calls).toHaveLength(1);
    expect(world.refused).toHaveLength(1);
    for (const { trackId } of requests) {
      const [enriched] = ofType(await factsOfTrack(ledgerOf(), trackId), 'Enriched');
      expect(enriched?.data.leftOut).toEqual([]);
    }
  });

  it('each count a query of ours that was refused as answered, and none has a follow-up for it', async () => {
    const { come, came } = later();
    const clients = scriptedClients({
      spotify: async () => {
        await came;
        return misused;
      },
      lastfm: finds,
    });
    const world = openWorld({ ledger: ledgerOf(), clients });
    const requests = alike(10);
    const working = requests.map((request) => world.deliver(messageOf(request)));
    await until(() => clients.spotify.calls.length > 0);
    come();
    await Promise.all(working);
    for (const { trackId } of requests) {
      const [enriched] = ofType(await factsOfTrack(ledgerOf(), trackId), 'Enriched');
      expect(enriched?.data.leftOut).toEqual([]);
    }
    expect(clients.spotify.calls.length).toBeLessThanOrEqual(10);
  });

  it('fail with the ledger that did not take the answer, and none of them has it', async () => {
    const ledger = watched(ledgerOf());
    const { come, came } = later();
    const spotify = scripted('spotify', async (lookup) => {
      await came;
      return foundFor(lookup);
    });
    const world = openWorld({ ledger, clients: { spotify } });
    const requests = alike(5);
    const leader = trackStream(requests[0]?.trackId ?? '');
    ledger.onAppend(async ({ stream }) => {
      if (stream === leader) throw new Error('the ledger is away');
      return undefined;
    });
    const working = requests.map((request) => world.deliver(messageOf(request)));
    await until(() => spotify.calls.length > 0);
    come();
    const ended = await Promise.allSettled(working);
    expect(ended.map(({ status }) => status)).toEqual(ended.map(() => 'rejected'));
    for (const { trackId } of requests) {
      expect(ofType(await factsOfTrack(ledgerOf(), trackId), 'CacheHit')).toEqual([]);
    }
  });

  it('do not get an answer that turned out superseded: the next of them asks again', async () => {
    const ledger = watched(ledgerOf());
    const { come, came } = later();
    const spotify = scripted('spotify', async (lookup, call) => {
      if (call === 1) await came;
      return foundFor(lookup, { bpm: call });
    });
    const world = openWorld({ ledger, clients: { spotify } });
    const [first, second] = alike(2);
    if (first === undefined || second === undefined) throw new Error('two are asked for');
    const message = messageOf(first);
    const leading = world.deliver(message);
    await until(() => spotify.calls.length === 1);
    const following = world.deliver(messageOf(second));
    // Another worker had the same message, and was faster.
    const fast = openWorld({ ledger: ledgerOf(), clients: scriptedClients({ spotify: finds }) });
    await fast.deliver(message);
    come();
    await Promise.all([leading, following]);
    expect(spotify.calls).toHaveLength(2);
    const facts = await factsOfTrack(ledgerOf(), first.trackId);
    const superseded = ofType(facts, 'ApiCalled').filter(({ data }) => data.superseded);
    expect(superseded).toHaveLength(1);
    expect(ofType(facts, 'Enriched')).toHaveLength(1);
    expect(typesOf(await factsOfTrack(ledgerOf(), second.trackId))).toEqual([
      'TaskReceived',
      'ApiCalled',
      'Enriched',
    ]);
    const third = { ...first, trackId: newTrackId() };
    await world.deliver(messageOf(third));
    const [hit] = ofType(await factsOfTrack(ledgerOf(), third.trackId), 'CacheHit');
    expect(hit?.data.answer).toMatchObject({ candidates: [{ values: { bpm: 2 } }] });
  });

  it('ask the gate themselves where the one that they followed had less patience', async () => {
    const { spotify } = scriptedClients({ spotify: finds });
    const world = openWorld({
      ledger: ledgerOf(),
      clients: { spotify },
      ratePerSecond: { spotify: 4 },
      patience: { requestMs: 10, followUpMs: 2000 },
    });
    const [request, other] = alike(2);
    if (request === undefined || other === undefined) throw new Error('two are asked for');
    const origin = { kind: 'follow-up', ofTaskId: 'x', provider: 'spotify' } as const;
    const both = [
      world.deliver(messageOf(request)),
      world.deliver(messageOf({ ...other, priority: 0 }, { origin })),
    ];
    await Promise.all(both);
    expect(typesOf(await factsOfTrack(ledgerOf(), request.trackId))).toEqual(['TaskReceived', 'Deferred']);
    expect((await factsOfTrack(ledgerOf(), other.trackId)).at(-1)?.type).toBe('Enriched');
  });
});
