import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyReceive, grow } from '../support/streams.ts';

describe('a task', () => {
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
