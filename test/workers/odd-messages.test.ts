import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageStream } from '../../src/domain/stream-names.ts';
import { randomId } from '../../src/queue/task-id.ts';
import { finds, scripted } from './clients.ts';
import { factsOf, factsOfTrack, ofType, typesOf, useLedger, watched } from './ledgers.ts';
import { messageOf, openWorld, requestOf, taken } from './world.ts';

const ledgerOf = useLedger();

function streamOf(body: string): string {
  return messageStream(createHash('sha256').update(body).digest('hex'));
}

function rawMessage(body: string, id = randomId()) {
  return { id, lane: 'real-time', priority: 5, hop: 0, body, causationId: null } as const;
}

describe('a body that cannot be read', () => {
  it.each([
    ['no JSON', '{"artist":', 'unreadable'],
    ['no object', '[1,2]', 'unreadable'],
    ['no title', '{"track_id":"1","artist":"A"}', 'unreadable'],
    ['NUL and half characters', '{"track_id":"\u0000\ud800', 'unreadable'],
    ['over 64 KB', JSON.stringify({ track_id: '1', artist: 'A', title: 'é'.repeat(40_000) }), 'oversized'],
    ['nothing at all', '', 'unreadable'],
  ])(
    'such as %s is a final fact of its own stream with the raw body, and settled',
    async (_what, body, reason) => {
      const spotify = scripted('spotify', finds);
      const world = openWorld({ ledger: ledgerOf(), clients: { spotify } });
      const message = rawMessage(body);
      await world.deliver(message);
      const facts = await factsOf(ledgerOf(), streamOf(body));
      expect(facts).toMatchObject([
        { type: 'Failed', data: { reason, final: true, retryAt: null }, meta: { taskId: message.id } },
      ]);
      const raw = ofType(facts, 'Failed')[0]?.data.rawBody ?? '';
      expect(Buffer.byteLength(raw)).toBeLessThanOrEqual(64 * 1024);
      const kept = body.toWellFormed().replaceAll('\0', '\ufffd');
      if (reason === 'unreadable') expect(raw).toBe(kept);
      else expect(kept.startsWith(raw.slice(0, 30_000))).toBe(true);
      expect(world.settled).toEqual([{ taskId: message.id, task: null, worked: true }]);
      expect(spotify.calls).toEqual([]);
    },
  );

  it('is one fact however often, and by however many at once, it is delivered', async () => {
    const world = openWorld({ ledger: ledgerOf(), clients: {} });
    const body = '{"broken": 1';
    await Promise.all(
      [rawMessage(body), rawMessage(body), rawMessage(body)].map((one) => world.deliver(one)),
    );
    await world.deliver(rawMessage(body), true);
    expect(typesOf(await factsOf(ledgerOf(), streamOf(body)))).toEqual(['Failed']);
    expect(world.settled).toHaveLength(4);
  });

  it('needs no id: it is settled under the name of its stream, and not published again', async () => {
    const world = openWorld({ ledger: ledgerOf(), clients: {} });
    const body = 'without an id';
    await world.deliver(rawMessage(body, ''));
    expect(await factsOf(ledgerOf(), streamOf(body))).toMatchObject([{ meta: { taskId: streamOf(body) } }]);
    expect(world.queue.depth()).toMatchObject({ ready: 0, waiting: 0 });
  });

  it('of any kind never makes a worker fail', async () => {
    const world = openWorld({ ledger: ledgerOf(), clients: { spotify: scripted('spotify', finds) } });
    const body = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.jsonValue().map((one) => JSON.stringify(one)),
    );
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        await world.deliver(rawMessage(text));
      }),
      { numRuns: 100 },
    );
  });
});

describe('a message without an id', () => {
  it('is published again with a random one, and acknowledged', async () => {
    const spotify = scripted('spotify', finds);
    const world = openWorld({ ledger: ledgerOf(), clients: { spotify } });
    const request = requestOf({ priority: 2 });
    const message = messageOf(request, { id: '' });
    await world.deliver(message);
    expect(spotify.calls).toEqual([]);
    expect(await factsOfTrack(ledgerOf(), request.trackId)).toEqual([]);
    const again = await taken(world);
    expect(again).toEqual({ ...message, id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    if (again !== null) await world.deliver(again);
    expect((await factsOfTrack(ledgerOf(), request.trackId)).at(-1)?.type).toBe('Enriched');
  });

  it('is not acknowledged where the queue does not take it', async () => {
    const world = openWorld({
      ledger: ledgerOf(),
      clients: { spotify: scripted('spotify', finds) },
      queue: { capacity: { ready: 0, waiting: 0 } },
      sleepless: true,
    });
    await expect(world.deliver(messageOf(requestOf(), { id: '' }))).rejects.toThrow(/refused/);
  });
});

describe('the same task id with another body', () => {
  it('is acknowledged with a warning once the first is finished, and changes nothing', async () => {
    const warned: string[] = [];
    const spotify = scripted('spotify', finds);
    const ledger = watched(ledgerOf());
    const observer = { otherBody: (taskId: string) => warned.push(taskId) };
    const world = openWorld({ ledger, clients: { spotify }, observer });
    const request = requestOf();
    const message = messageOf(request);
    await world.deliver(message);
    await world.deliver(message, true);
    expect(warned).toEqual([]);
    const facts = await factsOfTrack(ledgerOf(), request.trackId);
    const other = messageOf({ ...request, title: 'Other Weather' }, { id: message.id });
    await world.deliver(other, true);
    expect(warned).toEqual([message.id]);
    expect(await factsOfTrack(ledgerOf(), request.trackId)).toEqual(facts);
    expect(spotify.calls).toHaveLength(1);
  });

  it('has the first body worked on where that is not finished', async () => {
    const warned: string[] = [];
    const request = requestOf();
    const message = messageOf(request);
    const ledger = watched(ledgerOf());
    // The first worker got as far as the receipt.
    const first = openWorld({
      ledger,
      clients: { spotify: scripted('spotify', () => Promise.reject(new Error('killed'))) },
    });
    await expect(first.deliver(message)).rejects.toThrow('killed');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(typesOf(await factsOfTrack(ledger, request.trackId))).toEqual(['TaskReceived']);
    const spotify = scripted('spotify', finds);
    const observer = { otherBody: (taskId: string) => warned.push(taskId) };
    const world = openWorld({ ledger, clients: { spotify }, observer });
    const other = messageOf({ ...request, title: 'Other Weather' }, { id: message.id });
    await world.deliver(other, true);
    expect(spotify.calls).toEqual([{ kind: 'search', artist: request.artist, title: request.title }]);
    expect(warned).toEqual([message.id]);
    const [enriched] = ofType(await factsOfTrack(ledger, request.trackId), 'Enriched');
    expect(enriched?.data.title).toBe(request.title);
  });
});
