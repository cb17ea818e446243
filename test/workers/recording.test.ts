import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { lookupKey } from '../../src/domain/lookup.ts';
import type { providers } from '../../src/domain/provider.ts';
import { trackStream } from '../../src/domain/stream-names.ts';
import {
  finds,
  foundFor,
  missing,
  misused,
  scriptedClients,
  throttledFor,
  unauthorised,
  unavailable,
} from './clients.ts';
import { factsOfTrack, ofType, typesOf, useLedger, watched } from './ledgers.ts';
import { messageOf, newTrackId, openWorld, requestOf, until } from './world.ts';

const ledgerOf = useLedger();

function searchKey(
  provider: (typeof providers)[number],
  { artist, title }: { artist: string; title: string },
) {
  return lookupKey(provider, { kind: 'search', artist, title });
}

describe('what a task appends', () => {
  it('is one append and no read where everything comes from the cache', async () => {
    const ledger = watched(ledgerOf());
    const clients = scriptedClients({ spotify: finds, musicbrainz: finds, lastfm: missing });
    const world = openWorld({ ledger, clients });
    const first = requestOf();
    await world.deliver(messageOf(first));
    await until(async () => (await world.cache.get(searchKey('lastfm', first))) !== null);
    const [appends, reads] = [ledger.appends.length, ledger.reads.length];
    const second = { ...first, trackId: newTrackId() };
    await world.deliver(messageOf(second));
    expect(ledger.reads.length).toBe(reads);
    expect(ledger.appends.slice(appends)).toEqual([
      {
        stream: trackStream(second.trackId),
        expected: 'no-stream',
        types: ['TaskReceived', 'CacheHit', 'CacheHit', 'CacheHit', 'Enriched'],
        ids: expect.any(Array),
      },
    ]);
    for (const { calls } of Object.values(clients)) expect(calls).toHaveLength(1);
    const facts = await factsOfTrack(ledger, second.trackId);
    for (const { data } of ofType(facts, 'CacheHit')) expect(data.via).toBe('cache');
    expect(ofType(facts, 'Enriched')[0]?.data).toMatchObject({ status: 'completed', leftOut: [] });
  });

  it('names in its hit the call that the answer came from, and the age runs from that call', async () => {
    const world = openWorld({ ledger: ledgerOf(), clients: scriptedClients({ spotify: finds }) });
    const first = requestOf();
    await world.deliver(messageOf(first));
    const calls = ofType(await factsOfTrack(ledgerOf(), first.trackId), 'ApiCalled');
    const called = calls.find(({ data }) => data.provider === 'spotify');
    await until(async () => (await world.cache.get(searchKey('spotify', first))) !== null);
    const second = { ...first, trackId: newTrackId() };
    await world.deliver(messageOf(second));
    const hits = ofType(await factsOfTrack(ledgerOf(), second.trackId), 'CacheHit');
    const hit = hits.find(({ data }) => data.provider === 'spotify');
    expect(hit?.data).toMatchObject({
      provider: 'spotify',
      eventId: called?.id,
      calledAt: called?.data.calledAt,
    });
  });

  it('has calls made and not the cache read where force_refresh is set; the cache gets the new answers', async () => {
    const clients = scriptedClients({ spotify: (lookup, n) => foundFor(lookup, { bpm: 100 + n }) });
    const world = openWorld({ ledger: ledgerOf(), clients });
    const first = requestOf();
    await world.deliver(messageOf(first));
    await until(async () => (await world.cache.get(searchKey('spotify', first))) !== null);
    const again = { ...first, trackId: newTrackId(), forceRefresh: true };
    await world.deliver(messageOf(again));
    expect(clients.spotify.calls).toHaveLength(2);
    await until(async () => {
      const cached = await world.cache.get(searchKey('spotify', first));
      return cached?.answer.kind === 'found' && cached.answer.candidates[0]?.values.bpm === 102;
    });
  });

  it.each(['unavailable', 'throttled', 'misused', 'unauthorised'] as const)(
    'leaves nothing in the cache where there was no answer: %s',
    async (kind) => {
      const outcome = { unavailable, throttled: throttledFor(1), misused, unauthorised }[kind];
      const { spotify, lastfm } = scriptedClients({ spotify: outcome, lastfm: finds });
      const world = openWorld({ ledger: ledgerOf(), clients: { spotify, lastfm } });
      const request = requestOf();
      await world.deliver(messageOf(request));
      await until(async () => (await world.cache.get(searchKey('lastfm', request))) !== null);
      expect(spotify.calls.length).toBeGreaterThan(0);
      expect(await world.cache.get(searchKey('spotify', request))).toBeNull();
    },
  );

  it('comes before the cache has the answer, and before any other task gets it', async () => {
    const ledger = watched(ledgerOf());
    const clients = scriptedClients({ spotify: finds });
    const { spotify } = clients;
    const world = openWorld({ ledger, clients: { spotify } });
    const request = requestOf();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    ledger.onAppend(async ({ types }) => {
      if (types.includes('ApiCalled')) await held;
      return undefined;
    });
    const leading = world.deliver(messageOf(request));
    await until(() => ledger.appends.some(({ types }) => types.includes('ApiCalled')));
    const other = { ...request, trackId: newTrackId() };
    const following = world.deliver(messageOf(other));
    await sleep(60);
    expect(spotify.calls).toHaveLength(1);
    expect(await world.cache.get(searchKey('spotify', request))).toBeNull();
    expect(world.settled).toEqual([]);
    release();
    await Promise.all([leading, following]);
    expect(await world.cache.get(searchKey('spotify', request))).toMatchObject({ provider: 'spotify' });
    expect(spotify.calls).toHaveLength(1);
    expect(typesOf(await factsOfTrack(ledger, other.trackId))).toEqual([
      'TaskReceived',
      'CacheHit',
      'Enriched',
    ]);
  });

  it('does not reach the cache at all where the ledger does not take it', async () => {
    const ledger = watched(ledgerOf());
    const { spotify } = scriptedClients({ spotify: finds });
    const world = openWorld({ ledger, clients: { spotify } });
    ledger.onAppend(async () => {
      throw new Error('no');
    });
    const request = requestOf();
    await expect(world.deliver(messageOf(request))).rejects.toThrow('no');
    expect(await world.cache.get(searchKey('spotify', request))).toBeNull();
    expect(world.settled).toEqual([]);
  });

  it('is what it has so far once it waits for longer than a second, so that it is seen waiting', async () => {
    const ledger = watched(ledgerOf());
    let answer: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const clients = scriptedClients({
      musicbrainz: async (lookup) => {
        await slow;
        return foundFor(lookup);
      },
    });
    const { musicbrainz } = clients;
    const world = openWorld({ ledger, clients: { musicbrainz } });
    const request = requestOf();
    const startMs = performance.now();
    const working = world.deliver(messageOf(request));
    await until(() => ledger.appends.length > 0);
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeGreaterThan(900);
    expect(tookMs).toBeLessThan(3000);
    expect(ledger.appends[0]?.types).toEqual(['TaskReceived']);
    answer();
    await working;
    expect(typesOf(await factsOfTrack(ledger, request.trackId))).toEqual([
      'TaskReceived',
      'ApiCalled',
      'Enriched',
    ]);
  });

  it('has times that never go back, and every fact caused by the receipt', async () => {
    const world = openWorld({
      ledger: ledgerOf(),
      clients: scriptedClients({ spotify: finds, musicbrainz: finds, lastfm: finds }),
    });
    const request = requestOf();
    const message = messageOf(request);
    await world.deliver(message);
    const facts = await factsOfTrack(ledgerOf(), request.trackId);
    const times = facts.map(({ meta }) => meta.occurredAt);
    expect(times).toEqual([...times].sort());
    const [received, ...others] = facts;
    expect(received?.meta).toMatchObject({ taskId: message.id, hop: 0, correlationId: message.id });
    for (const { meta } of others) expect(meta.causationId).toBe(received?.id);
  });
});
