import { describe, expect, it } from 'vitest';
import type { RecordedTrackEvent, TrackEvent } from '../../src/domain/events.ts';
import { replay } from '../../src/domain/evolve.ts';
import { trackStream } from '../../src/domain/stream-names.ts';
import { randomId } from '../../src/queue/task-id.ts';
import { finds, foundFor, scripted, scriptedClients, unavailable } from './clients.ts';
import { factsOfTrack, ofType, typesOf, useLedger, watched } from './ledgers.ts';
import { messageOf, openWorld, requestOf, taken, until } from './world.ts';

const ledgerOf = useLedger();

/** A fact of somebody else's in the stream, which every task may meet. */
async function intrude(stream: string): Promise<void> {
  const ledger = ledgerOf();
  const revision = (await ledger.read(stream)).length - 1;
  const meta = {
    occurredAt: new Date().toISOString(),
    taskId: 'other',
    hop: 0,
    correlationId: 'other',
    causationId: null,
    traceparent: null,
    schemaVersion: 1,
  };
  const data = { by: 'somebody', why: 'to be in the way' };
  const fact = { id: randomId(), type: 'Dismissed', data, metadata: meta };
  await ledger.append(stream, revision < 0 ? 'no-stream' : revision, [fact]);
}

describe('a stream that another writes to', () => {
  it('is folded after a conflict, and what was decided is decided again with the same ids', async () => {
    const ledger = watched(ledgerOf());
    const spotify = scripted('spotify', finds);
    const world = openWorld({ ledger, clients: { spotify } });
    const request = requestOf();
    let intrusions = 0;
    ledger.onAppend(async ({ stream }) => {
      if (intrusions++ < 3) await intrude(stream);
      return undefined;
    });
    await world.deliver(messageOf(request));
    expect(spotify.calls).toHaveLength(1);
    const facts = await factsOfTrack(ledgerOf(), request.trackId);
    expect(typesOf(facts)).toEqual([
      'Dismissed',
      'Dismissed',
      'Dismissed',
      'TaskReceived',
      'ApiCalled',
      'Enriched',
    ]);
    const [first, ...others] = ledger.appends;
    expect(others.map(({ ids }) => ids)).toEqual([first?.ids, first?.ids, first?.ids]);
    const times = facts.map(({ meta }) => meta.occurredAt);
    expect(times).toEqual([...times].sort());
  });

  it('makes the message wait under its own hop after five conflicts in a row, and it is not lost', async () => {
    const ledger = watched(ledgerOf());
    const world = openWorld({ ledger, clients: { spotify: scripted('spotify', finds) } });
    const request = requestOf({ priority: 9 });
    const message = messageOf(request, { hop: 3 });
    ledger.onAppend(async ({ stream }) => {
      await intrude(stream);
      return undefined;
    });
    await world.deliver(message);
    expect(ledger.appends).toHaveLength(5);
    expect(world.settled).toEqual([]);
    expect(world.queue.depth()).toMatchObject({ ready: 0, waiting: 1 });
    const startMs = performance.now();
    const again = await taken(world, 3000);
    expect(performance.now() - startMs).toBeGreaterThan(700);
    expect(again).toEqual(message);
  });

  it('has the message come again by the queue where its own wait is refused', async () => {
    const ledger = watched(ledgerOf());
    const world = openWorld({
      ledger,
      clients: { spotify: scripted('spotify', finds) },
      queue: { capacity: { ready: 5, waiting: 0 } },
      sleepless: true,
    });
    ledger.onAppend(async ({ stream }) => {
      await intrude(stream);
      return undefined;
    });
    await expect(world.deliver(messageOf(requestOf()))).rejects.toThrow(/refused/);
  });

  it('does not lose what was received where only that append met the conflicts', async () => {
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
    const request = requestOf();
    const working = world.deliver(messageOf(request));
    ledger.onAppend(async ({ stream, types }) => {
      if (types.length === 1 && types[0] === 'TaskReceived') await intrude(stream);
      return undefined;
    });
    // After a second its receipt alone is appended, in vain.
    await until(() => ledger.appends.length >= 5);
    await until(async () => (await ledgerOf().read(trackStream(request.trackId))).length >= 5);
    answer();
    await working;
    expect(world.settled).toEqual([]);
    expect(world.queue.depth()).toMatchObject({ waiting: 1 });
  });
});

describe('two workers with one task', () => {
  function finishedOnce(facts: readonly TrackEvent[]): void {
    const ends = facts.filter(
      (fact) => fact.type === 'Enriched' || (fact.type === 'Failed' && fact.data.final),
    );
    expect(ends).toHaveLength(1);
    const recorded: RecordedTrackEvent[] = facts.map((event, revision) => ({ event, revision }));
    expect(replay(recorded).tasks.size).toBe(1);
  }

  it('finish it once, whichever answers first, and every call stands in the stream', async () => {
    for (let round = 0; round < 20; round++) {
      const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
      const workers = [0, 1, 2].map((n) =>
        openWorld({
          ledger: ledgerOf(),
          clients: scriptedClients({
            spotify: async (lookup) => {
              await wait((round * 7 + n * 13) % 20);
              return foundFor(lookup);
            },
            lastfm: async (lookup) => {
              await wait((round * 5 + n * 11) % 17);
              return n === 1 ? unavailable : foundFor(lookup);
            },
          }),
        }),
      );
      const request = requestOf();
      const message = messageOf(request);
      await Promise.all(workers.map((worker) => worker.deliver(message)));
      const facts = await factsOfTrack(ledgerOf(), request.trackId);
      finishedOnce(facts);
      expect(ofType(facts, 'TaskReceived')).toHaveLength(1);
      for (const worker of workers) expect(worker.settled).toMatchObject([{ taskId: message.id }]);
      const valid = ofType(facts, 'ApiCalled').filter(({ data }) => !data.superseded);
      const answers = valid.filter(({ data }) => data.outcome.kind === 'found');
      const providers = answers.map(({ data }) => data.provider);
      expect(new Set(providers).size).toBe(providers.length);
    }
  });

  it('do not let the slower one change what was decided: its call is marked superseded', async () => {
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const slow = openWorld({
      ledger: ledgerOf(),
      clients: {
        spotify: scripted('spotify', async (lookup) => {
          await answered;
          return foundFor(lookup, { bpm: 99 });
        }),
      },
    });
    const fast = openWorld({ ledger: ledgerOf(), clients: { spotify: scripted('spotify', finds) } });
    const request = requestOf();
    const message = messageOf(request);
    const waiting = slow.deliver(message);
    await fast.deliver(message);
    answer();
    await waiting;
    const facts = await factsOfTrack(ledgerOf(), request.trackId);
    expect(typesOf(facts)).toEqual(['TaskReceived', 'ApiCalled', 'Enriched', 'ApiCalled']);
    expect(facts.at(-1)?.data).toMatchObject({ superseded: true });
    expect(slow.settled[0]?.task?.end?.kind).toBe('enriched');
  });

  it('of which one has a later hop leave the earlier one nothing to do', async () => {
    const spotify = scripted('spotify', unavailable);
    const policy = { initialDelayMs: 10, faultDelayMsMax: 10 };
    const world = openWorld({ ledger: ledgerOf(), clients: { spotify }, policy });
    const request = requestOf();
    const message = messageOf(request);
    await world.deliver(message);
    const next = await taken(world);
    expect(next?.hop).toBe(1);
    // The first message comes once more: its hop is decided, so its consequence is published again, nothing else.
    await world.deliver(message, true);
    const again = await taken(world);
    expect(again).toEqual(next);
    expect(spotify.calls).toHaveLength(2);
    expect(typesOf(await factsOfTrack(ledgerOf(), request.trackId))).toEqual([
      'TaskReceived',
      'ApiCalled',
      'ApiCalled',
      'Failed',
    ]);
  });
});
