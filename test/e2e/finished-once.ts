import { expect } from 'vitest';
import type { DistributedWorld } from '../support/distributed.ts';

/** Every task was finished exactly once. @param tasks the task id by the number of its track */
export async function expectFinishedOnce(
  world: Pick<DistributedWorld, 'eventsOf'>,
  tasks: ReadonlyMap<number, string>,
): Promise<void> {
  for (const [n, taskId] of tasks) {
    const own = (await world.eventsOf(n)).filter(({ metadata }) => metadata.taskId === taskId);
    const ends = own.filter(
      ({ type, data }) => type === 'Enriched' || (type === 'Failed' && data.final === true),
    );
    const ended = ends.map(({ type }) => type);
    expect(ended, `track ${n}`).toHaveLength(1);
  }
}
