import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/domain/decide.ts';
import { defaultRetryPolicy } from '../../src/domain/retry-policy.ts';
import { emptyTrack } from '../../src/domain/state.ts';
import { trackStream } from '../../src/domain/stream-names.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { randomId } from '../../src/queue/task-id.ts';
import { createRecorder, loadTrack, StreamContested } from '../../src/workers/recorder.ts';
import { plainRequest } from '../support/generators.ts';
import { missing } from './clients.ts';
import { factsOf, typesOf, useLedger, watched } from './ledgers.ts';
import { newTrackId } from './world.ts';

const ledgerOf = useLedger();

function contextOf(taskId: string) {
  return {
    eventId: randomId(),
    at: new Date().toISOString(),
    taskId,
    hop: 0,
    correlationId: taskId,
    causationId: null,
    traceparent: null,
  };
}

function receive(taskId = 'task'): Command {
  return {
    ...contextOf(taskId),
    type: 'ReceiveTask',
    request: plainRequest,
    origin: { kind: 'request' },
    deliveredAgain: false,
    policy: defaultRetryPolicy,
  };
}

function called(title: string, taskId = 'task'): Command {
  const lookup = { kind: 'search', artist: 'A', title } as const;
  const rest = { httpStatus: 200, durationMs: 1, calledAt: new Date().toISOString() };
  return {
    ...contextOf(taskId),
    type: 'RecordCall',
    call: { provider: 'spotify', lookup, outcome: missing, ...rest },
  };
}

function recorderOn(ledger: Ledger, stream: string) {
  return createRecorder({ ledger, stream, state: emptyTrack, onAppended: () => undefined });
}

describe('a recorder', () => {
  it('has one append in flight; facts that come meanwhile go with the next one, together', async () => {
    const ledger = watched(ledgerOf());
    const stream = trackStream(newTrackId());
    const recorder = recorderOn(ledger, stream);
    let inFlight = 0;
    let most = 0;
    ledger.onAppend(async () => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inFlight -= 1;
      return undefined;
    });
    const first = recorder.record(receive(), 0);
    const others = ['a', 'b', 'c'].map((title) => recorder.record(called(title), 1000));
    const facts = await Promise.all([first, ...others]);
    expect(most).toBe(1);
    expect(ledger.appends.map(({ types }) => types.length)).toEqual([1, 3]);
    expect(facts.map((fact) => fact?.type)).toEqual(['TaskReceived', 'ApiCalled', 'ApiCalled', 'ApiCalled']);
    expect(recorder.state.revision).toBe(3);
  });

  it('keeps nothing longer than it was told to, and takes along what could have waited', async () => {
    const ledger = watched(ledgerOf());
    const recorder = recorderOn(ledger, trackStream(newTrackId()));
    const startMs = performance.now();
    const patient = recorder.record(receive(), 10_000);
    const urgent = recorder.record(called('a'), 30);
    await Promise.all([patient, urgent]);
    expect(performance.now() - startMs).toBeLessThan(500);
    expect(ledger.appends.map(({ types }) => types)).toEqual([['TaskReceived', 'ApiCalled']]);
  });

  it('resolves with null for what the stream made pointless, and appends nothing for it', async () => {
    const ledger = watched(ledgerOf());
    const recorder = recorderOn(ledger, trackStream(newTrackId()));
    await recorder.record(receive(), 0);
    expect(await recorder.record(receive(), 0)).toBeNull();
    expect(ledger.appends).toHaveLength(1);
  });

  it('gives up after five conflicts in a row; four are settled', async () => {
    for (const [conflicts, settles] of [
      [4, true],
      [5, false],
    ] as const) {
      const ledger = watched(ledgerOf());
      const recorder = recorderOn(ledger, trackStream(newTrackId()));
      ledger.onAppend(async () =>
        ledger.appends.length <= conflicts ? { kind: 'conflict', actual: 0 } : undefined,
      );
      const recording = recorder.record(receive(), 0);
      if (settles) expect((await recording)?.type).toBe('TaskReceived');
      else await expect(recording).rejects.toThrow(StreamContested);
      expect(ledger.appends).toHaveLength(5);
      expect(new Set(ledger.appends.map(({ ids }) => ids.join())).size).toBe(1);
    }
  });

  it('fails everything after what failed, because it builds on that', async () => {
    const ledger = watched(ledgerOf());
    const stream = trackStream(newTrackId());
    const recorder = recorderOn(ledger, stream);
    ledger.onAppend(async () => {
      if (ledger.appends.length === 1) throw new Error('away');
      return undefined;
    });
    const ends = await Promise.allSettled([
      recorder.record(receive(), 0),
      recorder.record(called('a'), 0),
      recorder.record(called('b'), 1000),
    ]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(recorder.record(called('c'), 0)).rejects.toThrow('away');
    expect(await factsOf(ledger, stream)).toEqual([]);
  });

  it('and others on one stream lose no fact of any, in whatever rhythm they write', async () => {
    const rhythm = fc.array(fc.record({ who: fc.nat(2), withinMs: fc.constantFrom(0, 0, 3) }), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(rhythm, async (writes) => {
        const stream = trackStream(newTrackId());
        const recorders = [0, 1, 2].map(() => recorderOn(ledgerOf(), stream));
        const received = recorders.map((recorder, n) => recorder.record(receive(`task${n}`), 0));
        const facts = await Promise.allSettled([
          ...received,
          ...writes.map(({ who, withinMs }, n) =>
            (recorders[who] ?? recorders[0])?.record(called(`${n}`, `task${who}`), withinMs),
          ),
        ]);
        for (const fact of facts) expect(fact.status).toBe('fulfilled');
        const stored = await factsOf(ledgerOf(), stream);
        expect(stored).toHaveLength(3 + writes.length);
        expect(new Set(stored.map(({ id }) => id)).size).toBe(stored.length);
        const times = stored.map(({ meta }) => meta.occurredAt);
        expect(times).toEqual([...times].sort());
        const { revision, tasks } = await loadTrack(ledgerOf(), stream);
        expect({ revision, tasks: tasks.size }).toEqual({ revision: stored.length - 1, tasks: 3 });
      }),
      { numRuns: 15 },
    );
  });
});

describe('loading a track', () => {
  it('keeps the revision of what this version cannot read, so that appends after it still fit', async () => {
    const ledger = ledgerOf();
    const stream = trackStream(newTrackId());
    const recorder = recorderOn(ledger, stream);
    await recorder.record(receive(), 0);
    await ledger.append(stream, 0, [{ id: randomId(), type: 'FromTheFuture', data: {}, metadata: {} }]);
    const state = await loadTrack(ledger, stream);
    expect(state.revision).toBe(1);
    const next = createRecorder({ ledger, stream, state, onAppended: () => undefined });
    await next.record(called('a'), 0);
    expect((await ledger.read(stream)).map(({ type }) => type)).toEqual([
      'TaskReceived',
      'FromTheFuture',
      'ApiCalled',
    ]);
  });

  it('is empty for a stream that is not there', async () => {
    expect(await loadTrack(ledgerOf(), trackStream(newTrackId()))).toEqual(emptyTrack);
    expect(typesOf(await factsOf(ledgerOf(), trackStream(newTrackId())))).toEqual([]);
  });
});
