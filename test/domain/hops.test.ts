import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyComplete, anyReceive, anyWorkersStream, grow } from '../support/streams.ts';

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
});
