import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedTrackEvent } from '../../src/domain/events.ts';
import { evolve, replay } from '../../src/domain/evolve.ts';
import { anyStream } from '../support/streams.ts';

describe('the state of a stream', () => {
  it('is the same replayed as built step by step, at every step', () => {
    fc.assert(
      fc.property(anyStream, ({ events, states }) => {
        for (const [length, state] of states.entries())
          expect(replay(events.slice(0, length))).toEqual(state);
      }),
    );
  });

  it('is the same from wherever it is gone on from', () => {
    fc.assert(
      fc.property(anyStream, fc.nat(), ({ events, state }, any) => {
        const split = any % (events.length + 1);
        expect(events.slice(split).reduce(evolve, replay(events.slice(0, split)))).toEqual(state);
      }),
    );
  });

  it('is the same from events that a ledger stored as JSON', () => {
    fc.assert(
      fc.property(anyStream, ({ events, state }) => {
        const stored: RecordedTrackEvent[] = JSON.parse(JSON.stringify(events));
        expect(stored).toEqual(events);
        expect(replay(stored)).toEqual(state);
      }),
    );
  });

  it('is the same after the stream was cut before its newest erasure', () => {
    fc.assert(
      fc.property(anyStream, ({ events, state }) => {
        const erased = events.findLastIndex(({ event }) => event.type === 'Erased');
        expect(replay(events.slice(Math.max(0, erased)))).toEqual(state);
      }),
    );
  });

  it('holds nothing of a track that was erased but which tasks it had', () => {
    fc.assert(
      fc.property(anyStream, ({ events, states }) => {
        for (const [at, { event }] of events.entries()) {
          if (event.type !== 'Erased') continue;
          const { tasks, found, enriched, erased, newestRequestTaskId } = states[at + 1] ?? {};
          expect([tasks?.size, found, enriched, newestRequestTaskId]).toEqual([0, [], null, null]);
          expect(erased).toEqual({ taskIds: event.data.taskIds });
        }
      }),
    );
  });

  it('tells its newest revision and time', () => {
    fc.assert(
      fc.property(anyStream, ({ events, state }) => {
        expect(state.revision).toBe(events.length - 1);
        expect(state.lastOccurredAt).toBe(events.at(-1)?.event.meta.occurredAt ?? '');
      }),
    );
  });

  it('is not touched by what is made of it: it can be kept and gone on from twice', () => {
    fc.assert(
      fc.property(anyStream, ({ events, states }) => {
        const frozen = JSON.stringify(states.map(readable));
        for (const [at, recorded] of events.entries()) {
          const before = states[at];
          if (before !== undefined) evolve(before, recorded);
        }
        expect(JSON.stringify(states.map(readable))).toBe(frozen);
      }),
    );
  });

  const readable = ({ tasks, ...rest }: ReturnType<typeof replay>) => ({ ...rest, tasks: [...tasks] });
});

describe('the facts of a task that is not in the stream', () => {
  it('change no task, so a stream that was cut anywhere can still be read', () => {
    fc.assert(
      fc.property(anyStream, fc.nat(), ({ events }, any) => {
        const rest = events.slice(any % (events.length + 1));
        const received = new Set<string>();
        for (const { event } of rest) {
          if (event.type === 'Erased') received.clear();
          else if (event.type === 'TaskReceived') received.add(event.meta.taskId);
        }
        const { tasks, found } = replay(rest);
        expect(new Set(tasks.keys())).toEqual(received);
        expect(found.every(({ taskId }) => received.has(taskId))).toBe(true);
      }),
    );
  });
});
