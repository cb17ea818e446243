import { describe, expect, it } from 'vitest';
import { trackStream } from '../../src/domain/stream-names.ts';
import { parseMessage } from '../../src/queue/message.ts';
import { followUpTaskId } from '../../src/queue/task-id.ts';
import {
  finds,
  foundFor,
  missing,
  misused,
  scripted,
  scriptedClients,
  throttledFor,
  unavailable,
} from './clients.ts';
import { factsOfTrack, ofType, typesOf, useLedger } from './ledgers.ts';
import { messageOf, openWorld, requestOf, taken } from './world.ts';

const ledgerOf = useLedger();
const patient = { failuresToClose: 1000 };

describe('what a task comes to', () => {
  it('is partial with a follow-up for the provider whose slot is beyond the patience', async () => {
    const clients = scriptedClients({ spotify: finds, musicbrainz: finds, lastfm: missing });
    const world = openWorld({
      ledger: ledgerOf(),
      clients,
      ratePerSecond: { musicbrainz: 2 },
      patience: { requestMs: 20, followUpMs: 2000 },
    });
    const request = requestOf();
    const message = messageOf(request);
    await world.deliver(message);
    expect(clients.musicbrainz.calls).toEqual([]);
    const [enriched] = ofType(await factsOfTrack(ledgerOf(), request.trackId), 'Enriched');
    expect(enriched?.data).toMatchObject({
      status: 'partial',
      sources: ['spotify'],
      leftOut: [{ provider: 'musicbrainz', cause: 'waiting' }],
    });
    expect(world.followUps).toEqual([{ provider: 'musicbrainz', published: 'confirmed' }]);
    const followUp = await taken(world);
    expect(followUp).toMatchObject({
      id: followUpTaskId(trackStream(request.trackId), message.id, 'musicbrainz'),
      lane: 'backlog',
      priority: 0,
      hop: 0,
      causationId: enriched?.id,
    });
    if (followUp === null) return;
    expect(parseMessage(followUp)).toMatchObject({
      origin: { kind: 'follow-up', ofTaskId: message.id, provider: 'musicbrainz' },
      correlationId: message.id,
    });
    await world.deliver(followUp);
    expect(clients.spotify.calls).toHaveLength(1);
    const facts = await factsOfTrack(ledgerOf(), request.trackId);
    expect(ofType(facts, 'Enriched').at(-1)?.data).toMatchObject({
      status: 'completed',
      sources: ['spotify', 'musicbrainz'],
      leftOut: [],
    });
    for (const { meta } of facts) expect(meta.correlationId).toBe(message.id);
  });

  it('is final not_found, in one hop and with nothing published, where no provider knows the track', async () => {
    const clients = scriptedClients({});
    const world = openWorld({ ledger: ledgerOf(), clients });
    const request = requestOf();
    await world.deliver(messageOf(request));
    const facts = await factsOfTrack(ledgerOf(), request.trackId);
    expect(facts.at(-1)).toMatchObject({
      type: 'Failed',
      data: { reason: 'not_found', final: true, attempt: 0, retryAt: null, leftOut: [] },
    });
    expect(world.queue.depth()).toMatchObject({ ready: 0, waiting: 0 });
    for (const { calls } of Object.values(clients)) expect(calls).toHaveLength(1);
  });

  it('is not_found as well where what was found is another track', async () => {
    const world = openWorld({
      ledger: ledgerOf(),
      clients: scriptedClients({
        spotify: () => foundFor({ kind: 'search', artist: 'Else', title: 'Other' }),
      }),
    });
    const request = requestOf();
    await world.deliver(messageOf(request));
    const facts = await factsOfTrack(ledgerOf(), request.trackId);
    expect(facts.at(-1)).toMatchObject({ type: 'Failed', data: { reason: 'not_found', final: true } });
  });

  it('counts a query of ours that was refused as answered: no second call, no follow-up', async () => {
    const clients = scriptedClients({ spotify: finds, musicbrainz: misused });
    const world = openWorld({ ledger: ledgerOf(), clients });
    const request = requestOf();
    await world.deliver(messageOf(request));
    expect(clients.musicbrainz.calls).toHaveLength(1);
    const facts = await factsOfTrack(ledgerOf(), request.trackId);
    expect(ofType(facts, 'Enriched')[0]?.data).toMatchObject({ status: 'partial', leftOut: [] });
    expect(ofType(facts, 'ApiCalled').map(({ data }) => data.outcome.kind)).toContain('misused');
    expect(world.queue.depth()).toMatchObject({ ready: 0, waiting: 0 });
  });

  it('asks by ISRC first, and by names where that did not bring the track', async () => {
    const spotify = scripted('spotify', (lookup) => (lookup.kind === 'isrc' ? missing : foundFor(lookup)));
    const world = openWorld({ ledger: ledgerOf(), clients: { spotify } });
    const request = requestOf({ isrc: 'GBAYE0601498' });
    await world.deliver(messageOf(request));
    expect(spotify.calls).toEqual([
      { kind: 'isrc', isrc: 'GBAYE0601498' },
      { kind: 'search', artist: request.artist, title: request.title },
    ]);
    expect((await factsOfTrack(ledgerOf(), request.trackId)).at(-1)?.type).toBe('Enriched');
  });
});

describe('a provider that is unavailable', () => {
  it('is tried once more within the hop, and what it answers then counts', async () => {
    const spotify = scripted('spotify', (lookup, call) => (call === 1 ? unavailable : foundFor(lookup)));
    const world = openWorld({ ledger: ledgerOf(), clients: { spotify } });
    const request = requestOf();
    await world.deliver(messageOf(request));
    expect(typesOf(await factsOfTrack(ledgerOf(), request.trackId))).toEqual([
      'TaskReceived',
      'ApiCalled',
      'ApiCalled',
      'Enriched',
    ]);
  });

  it('is left out by fault after the second time; with a source the task is done and a follow-up asks again', async () => {
    const clients = scriptedClients({ spotify: finds, lastfm: unavailable });
    const world = openWorld({ ledger: ledgerOf(), clients });
    const request = requestOf();
    await world.deliver(messageOf(request));
    expect(clients.lastfm.calls).toHaveLength(2);
    const [enriched] = ofType(await factsOfTrack(ledgerOf(), request.trackId), 'Enriched');
    expect(enriched?.data.leftOut).toMatchObject([{ provider: 'lastfm', cause: 'fault' }]);
    expect(world.followUps).toEqual([{ provider: 'lastfm', published: 'confirmed' }]);
  });

  it('costs an attempt each hop, the fifth is final, and the hops stand in the ledger one by one', async () => {
    const spotify = scripted('spotify', unavailable);
    const world = openWorld({
      ledger: ledgerOf(),
      clients: { spotify },
      limits: patient,
      policy: { initialDelayMs: 10, faultDelayMsMax: 10 },
    });
    const request = requestOf({ priority: 8 });
    let message = messageOf(request);
    for (let hop = 0; hop < 5; hop++) {
      await world.deliver(message);
      const [failed] = ofType(await factsOfTrack(ledgerOf(), request.trackId), 'Failed').slice(-1);
      expect(failed).toMatchObject({
        data: { reason: 'unavailable', attempt: hop + 1, final: hop === 4 },
        meta: { hop, taskId: message.id },
      });
      const next = await taken(world, hop === 4 ? 50 : 1000);
      if (hop === 4) expect(next).toBeNull();
      else expect(next).toMatchObject({ id: message.id, hop: hop + 1, priority: 8, lane: 'real-time' });
      message = next ?? message;
    }
    expect(spotify.calls).toHaveLength(10);
    expect(world.settled.at(-1)?.task?.end).toMatchObject({ kind: 'failed' });
  });

  it('does not cost an attempt where it only asked us to wait: the task is deferred until then', async () => {
    const spotify = scripted('spotify', (lookup, call) => (call < 3 ? throttledFor(60) : foundFor(lookup)));
    const world = openWorld({
      ledger: ledgerOf(),
      clients: { spotify },
      patience: { requestMs: 10, followUpMs: 10 },
    });
    const request = requestOf();
    let message = messageOf(request);
    for (let hop = 0; hop < 3; hop++) {
      const before = Date.now();
      await world.deliver(message);
      message = (await taken(world, hop === 2 ? 10 : 1000)) ?? message;
      if (hop < 2) expect(Date.now() - before).toBeGreaterThanOrEqual(55);
    }
    const facts = await factsOfTrack(ledgerOf(), request.trackId);
    expect(typesOf(facts)).toEqual([
      'TaskReceived',
      'ApiCalled',
      'Deferred',
      'ApiCalled',
      'Deferred',
      'ApiCalled',
      'Enriched',
    ]);
    expect(world.settled.at(-1)?.task).toMatchObject({ attempts: 0, hop: 0 });
  });
});

describe('a task that is too old', () => {
  it('ends without a call', async () => {
    const spotify = scripted('spotify', finds);
    const world = openWorld({ ledger: ledgerOf(), clients: { spotify } });
    const queuedAt = new Date(Date.now() - 31 * 24 * 3600 * 1000).toISOString();
    const request = requestOf({ queuedAt });
    await world.deliver(messageOf(request));
    expect(spotify.calls).toEqual([]);
    expect((await factsOfTrack(ledgerOf(), request.trackId)).at(-1)).toMatchObject({
      type: 'Failed',
      data: { reason: 'too_old', final: true, message: expect.stringContaining('30 days') },
    });
  });
});
