import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consequencesOf } from '../../src/domain/consequence.ts';
import { replay } from '../../src/domain/evolve.ts';
import { standingOf } from '../../src/domain/state.ts';
import { anyWorkersStream } from '../support/streams.ts';

describe('what follows from a decision', () => {
  it('is a follow-up for each provider left out, the next hop, or nothing, as the newest decision says', () => {
    fc.assert(
      fc.property(anyWorkersStream, ({ events, state }) => {
        for (const task of state.tasks.values()) {
          const decision = events.findLast(
            ({ event: { type, meta } }) =>
              meta.taskId === task.taskId && ['Enriched', 'Failed', 'Deferred'].includes(type),
          )?.event;
          const follows = consequencesOf(task);
          if (decision?.type === 'Enriched') {
            const { leftOut } = decision.data;
            expect(follows).toEqual(
              leftOut.map(({ provider, until }) => ({ kind: 'follow-up', provider, dueAt: until })),
            );
          } else if (decision?.type === 'Deferred' || (decision?.type === 'Failed' && !decision.data.final)) {
            const dueAt = decision.type === 'Deferred' ? decision.data.until : decision.data.retryAt;
            expect(follows).toEqual([{ kind: 'next-hop', hop: decision.meta.hop + 1, dueAt }]);
          } else expect(follows).toEqual([]);
        }
      }),
    );
  });

  it('is the same to every delivery that reads the stream', () => {
    fc.assert(
      fc.property(anyWorkersStream, ({ events, state }) => {
        const read = replay(JSON.parse(JSON.stringify(events)));
        for (const [taskId, task] of state.tasks) {
          const again = read.tasks.get(taskId);
          expect(again === undefined ? null : consequencesOf(again)).toEqual(consequencesOf(task));
        }
      }),
    );
  });

  it('is a hop that is still to be worked', () => {
    fc.assert(
      fc.property(anyWorkersStream, ({ state }) => {
        for (const task of state.tasks.values()) {
          for (const one of consequencesOf(task)) {
            if (one.kind === 'next-hop') expect(standingOf(state, { ...task, hop: one.hop })).toBe('open');
          }
        }
      }),
    );
  });
});
