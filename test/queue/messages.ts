import fc from 'fast-check';
import { laneOfPriority } from '../../src/domain/priority.ts';
import type { TaskMessage } from '../../src/queue/queue.ts';

export function messageOf(change: Partial<TaskMessage> = {}): TaskMessage {
  const priority = change.priority ?? 5;
  return {
    id: '1',
    lane: laneOfPriority(priority),
    priority,
    hop: 0,
    body: '{}',
    causationId: null,
    ...change,
  };
}

/** Messages as publishers and workers make them: the lane follows the priority, the body is JSON text. */
export const anyMessage: fc.Arbitrary<TaskMessage> = fc
  .record({
    id: fc.uuid(),
    priority: fc.integer({ min: 0, max: 10 }),
    hop: fc.nat(20),
    body: fc.json({ stringUnit: 'binary' }),
    causationId: fc.option(fc.uuid()),
  })
  .map((parts) => ({ ...parts, lane: laneOfPriority(parts.priority) }));
