import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Command, decide, decideAll } from '../../src/domain/decide.ts';
import { evolve, replay } from '../../src/domain/evolve.ts';
import { settles } from '../../src/domain/lookup.ts';
import { emptyTrack, type TaskState, type TrackState } from '../../src/domain/state.ts';
import {
  anyCacheHit,
  anyCall,
  anyCommand,
  anyComplete,
  anyGiveUp,
  anyReceive,
  anyStream,
  anyWorkersStream,
  grow,
} from '../support/streams.ts';

/** The commands of one delivery, as a worker makes them: all of one task and hop, its receipt first. */
const anyDelivery = fc
  .tuple(anyReceive, fc.array(fc.oneof(anyCall, anyCacheHit)), fc.oneof(anyComplete, anyGiveUp))
  .map(([receive, answers, last]): readonly Command[] => {
    const { taskId, hop } = receive;
    return [receive, ...[...answers, last].map((command) => ({ ...command, taskId, hop }))];
  });

describe('whatever is decided', () => {
  it('can be recorded: evolve takes it, and it survives JSON unchanged', () => {
    fc.assert(
      fc.property(anyStream, anyCommand, ({ state }, command) => {
        const event = decide(state, command);
        if (event === null) return;
        expect(JSON.parse(JSON.stringify(event))).toEqual(event);
        expect(event.id).toBe(command.eventId);
        const next = evolve(state, { event, revision: state.revision + 1 });
        expect(next.revision).toBe(state.revision + 1);
        expect(next.lastOccurredAt).toBe(event.meta.occurredAt);
      }),
    );
  });

  it('is dated not before the fact that it follows', () => {
    fc.assert(
      fc.property(anyStream, ({ events }) => {
        const times = events.map(({ event }) => event.meta.occurredAt);
        expect(times).toEqual(times.toSorted());
      }),
    );
  });

  it('all at once is what is decided one after another', () => {
    fc.assert(
      fc.property(anyStream, fc.array(anyCommand), ({ state }, commands) => {
        const { events, results, state: after } = decideAll(state, commands);
        const grown = grow(commands, state);
        expect(events).toEqual(grown.events.map(({ event }) => event));
        expect(after).toEqual(grown.state);
        expect(results.length).toBe(commands.length);
      }),
    );
  });

  it('changes no state that it was decided from', () => {
    fc.assert(
      fc.property(anyStream, fc.array(anyCommand), ({ state, events }, commands) => {
        decideAll(state, commands);
        expect(state).toEqual(replay(events));
      }),
    );
  });
});

describe('one delivery decided again after it was recorded', () => {
  it('decides nothing: only its calls, which were made, are recorded, and they count nowhere', () => {
    fc.assert(
      fc.property(anyStream, anyDelivery, ({ state }, commands) => {
        const once = decideAll(state, commands);
        const twice = decideAll(once.state, commands);
        for (const event of twice.events) {
          expect(event.type).toBe('ApiCalled');
          if (event.type === 'ApiCalled' && settles(event.data.outcome))
            expect(event.data.superseded).toBe(true);
        }
        expect(whatCounts(twice.state)).toEqual(whatCounts(once.state));
      }),
    );
  });

  it('by another worker, with facts of its own, changes no decision and no snapshot', () => {
    fc.assert(
      fc.property(anyStream, anyDelivery, ({ state }, commands) => {
        const once = decideAll(state, commands);
        const others = commands.map((command) => ({ ...command, eventId: `other-${command.eventId}` }));
        const standing = once.state.tasks.get(commands[0]?.taskId ?? '');
        if (standing?.end == null && standing?.decision == null) return;
        const twice = decideAll(once.state, others);
        expect(twice.state.tasks.get(standing.taskId)?.end).toEqual(standing.end);
        expect(twice.state.enriched).toEqual(once.state.enriched);
      }),
    );
  });

  function whatCounts(state: TrackState) {
    const { revision, lastOccurredAt, tasks, ...rest } = state;
    const counting = (task: TaskState) => ({
      ...task,
      outcomes: task.outcomes.filter(({ outcome }) => settles(outcome)),
    });
    return { ...rest, tasks: [...tasks.values()].map(counting) };
  }
});

describe('a task', () => {
  it('ends at most once, and nothing is decided about it afterwards', () => {
    fc.assert(
      fc.property(anyWorkersStream, ({ events }) => {
        const ended = new Set<string>();
        for (const { event } of events) {
          const { taskId } = event.meta;
          if (event.type === 'ApiCalled') {
            if (ended.has(taskId)) expect(event.data.superseded).toBe(true);
            continue;
          }
          expect(ended.has(taskId)).toBe(false);
          if (event.type === 'Enriched' || (event.type === 'Failed' && event.data.final)) ended.add(taskId);
        }
      }),
    );
  });

  it('has every hop decided at most once', () => {
    fc.assert(
      fc.property(anyWorkersStream, ({ events }) => {
        const decided = events
          .filter(({ event }) => ['Enriched', 'Failed', 'Deferred'].includes(event.type))
          .map(({ event }) => `${event.meta.taskId} ${event.meta.hop}`);
        // What never became a task has no hops.
        const received = new Set(
          events.filter(({ event }) => event.type === 'TaskReceived').map(({ event }) => event.meta.taskId),
        );
        const ofTasks = decided.filter((one) => received.has(one.split(' ')[0] ?? ''));
        expect(new Set(ofTasks).size).toBe(ofTasks.length);
      }),
    );
  });

  it('counts an attempt for every hop that failed and goes on, none for one that is deferred; the fifth is final', () => {
    fc.assert(
      fc.property(anyWorkersStream, ({ events, states }) => {
        for (const [at, { event }] of events.entries()) {
          const before = states[at]?.tasks.get(event.meta.taskId)?.attempts ?? 0;
          const after = states[at + 1]?.tasks.get(event.meta.taskId)?.attempts ?? 0;
          if (event.type !== 'Failed') expect(after).toBe(before);
          else if (event.data.reason !== 'unavailable') expect(event.data.attempt).toBe(before);
          else {
            expect(after).toBe(before + 1);
            expect(event.data.final).toBe(after === 5);
            expect(event.data.retryAt === null).toBe(event.data.final);
          }
        }
      }),
    );
  });

  it('that fails once more at its last attempt ends', () => {
    const leftOut = [{ provider: 'lastfm', cause: 'fault', until: '2026-01-01T00:00:00.000Z' }] as const;
    fc.assert(
      fc.property(anyReceive, anyComplete, (receive, complete) => {
        const hops = [0, 1, 2, 3, 4, 5].map((hop) => ({
          ...complete,
          eventId: `hop-${hop}`,
          taskId: receive.taskId,
          hop,
          needed: ['lastfm'] as const,
          leftOut,
        }));
        const { events } = grow([receive, ...hops]);
        const failures = events.flatMap(({ event }) => (event.type === 'Failed' ? [event.data] : []));
        expect(failures.map(({ attempt, final }) => [attempt, final])).toEqual([
          [1, false],
          [2, false],
          [3, false],
          [4, false],
          [5, true],
        ]);
      }),
      { numRuns: 20 },
    );
  });

  it('whose message is delivered for the fifth time without a decision ends as one that crashes its workers', () => {
    fc.assert(
      fc.property(anyReceive, (receive) => {
        const deliveries = Array.from({ length: 6 }, (_, n) => ({
          ...receive,
          eventId: `delivery-${n}`,
          deliveredAgain: n > 0,
        }));
        const { events } = grow(deliveries);
        const told = events.map(({ event }) =>
          event.type === 'TaskReceived' ? event.data.delivery : event.type === 'Failed' && event.data.reason,
        );
        expect(told).toEqual([1, 2, 3, 4, 'crashes']);
      }),
      { numRuns: 20 },
    );
  });

  it('counts deliveries of each hop anew, and not those of the first try', () => {
    const [receive] = fc.sample(anyReceive, 1);
    if (receive === undefined) return;
    const redelivered = (hop: number, n: number) =>
      ({ ...receive, hop, eventId: `${hop}-${n}`, deliveredAgain: true }) as const;
    const { events } = grow([
      { ...receive, hop: 0, deliveredAgain: false },
      redelivered(0, 1),
      redelivered(0, 2),
      redelivered(1, 1),
      redelivered(1, 2),
    ]);
    expect(events.map(({ event }) => event.type === 'TaskReceived' && event.data.delivery)).toEqual([
      1, 2, 3, 2, 3,
    ]);
  });

  it('that asks again with another body keeps its first', () => {
    fc.assert(
      fc.property(anyReceive, anyReceive, (first, other) => {
        const again = {
          ...other,
          taskId: first.taskId,
          origin: first.origin,
          hop: first.hop,
          deliveredAgain: true,
        };
        const { state } = grow([first, again]);
        expect(state.tasks.get(first.taskId)?.request).toEqual(first.request);
      }),
      { numRuns: 20 },
    );
  });
});

describe('giving up', () => {
  it('what never became a task is recorded once, in a stream of its own only', () => {
    fc.assert(
      fc.property(anyGiveUp, anyGiveUp, anyReceive, (first, second, receive) => {
        expect(grow([first, first, second]).events).toHaveLength(1);
        const elsewhere = { ...first, taskId: 'nobody' };
        expect(grow([receive, elsewhere]).events).toHaveLength(1);
      }),
    );
  });
});

describe('superseded calls', () => {
  it('are those whose answer stood already, or whose task had ended', () => {
    fc.assert(
      fc.property(anyWorkersStream, ({ events, states }) => {
        for (const [at, { event }] of events.entries()) {
          if (event.type !== 'ApiCalled') continue;
          const task = states[at]?.tasks.get(event.meta.taskId);
          const stood = task?.outcomes.some(
            (one) =>
              one.provider === event.data.provider &&
              one.lookup.kind === event.data.lookup.kind &&
              settles(one.outcome),
          );
          expect(event.data.superseded).toBe(stood === true || task?.end != null);
        }
      }),
    );
  });

  it('count nowhere', () => {
    fc.assert(
      fc.property(anyStream, anyCall, ({ state }, command) => {
        const event = decide(state, command);
        if (event?.type !== 'ApiCalled' || !event.data.superseded) return;
        const { revision, lastOccurredAt, ...after } = evolve(state, { event, revision: state.revision + 1 });
        expect({ ...state, ...after }).toEqual(state);
      }),
    );
  });
});

it('an unknown stream takes a receipt, and nothing of a task before it', () => {
  fc.assert(
    fc.property(anyCommand, (command) => {
      const event = decide(emptyTrack, command);
      if (command.type === 'ReceiveTask') expect(event?.type).toBe('TaskReceived');
      else if (command.type === 'GiveUp') expect(event?.type).toBe('Failed');
      else expect(event).toBeNull();
    }),
  );
});
