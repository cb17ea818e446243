import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createSerialLane } from '../../src/workers/serial-lane.ts';

it('runs one after another in the order they came, whatever became of the one before', async () => {
  const lane = createSerialLane();
  const said: string[] = [];
  const work = (name: string, ms: number, fails: boolean) => async () => {
    said.push(`${name} begins`);
    await sleep(ms);
    said.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
  const ends = await Promise.allSettled([
    lane(work('a', 20, false)),
    lane(work('b', 1, true)),
    lane(() => {
      throw new Error('at once');
    }),
    lane(work('c', 5, false)),
  ]);
  expect(said).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  expect(ends.map((end) => (end.status === 'fulfilled' ? end.value : (end.reason as Error).message))).toEqual(
    ['a', 'b', 'at once', 'c'],
  );
});

it('starts what comes later, after all was done', async () => {
  const lane = createSerialLane();
  await lane(async () => 1);
  expect(await lane(async () => 2)).toBe(2);
});
