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
