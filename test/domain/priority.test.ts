import fc from 'fast-check';
import { expect, it } from 'vitest';
import { laneOfPriority, priorityOfItem } from '../../src/domain/priority.ts';

it('priorities 4 to 10 are real-time, 0 to 3 backlog', () => {
  const lanes = Array.from({ length: 11 }, (_, priority) => laneOfPriority(priority));
  expect(lanes.slice(0, 4).every((lane) => lane === 'backlog')).toBe(true);
  expect(lanes.slice(4).every((lane) => lane === 'real-time')).toBe(true);
});

it('charts go first whatever the case of their name, new items next, backfill last', () => {
  const created = '2026-01-01T00:00:00.000Z';
  expect(priorityOfItem({ source: 'Beatport Top 100', createdAt: null })).toBe(10);
  expect(priorityOfItem({ source: 'SPOTIFY_CHART', createdAt: created })).toBe(10);
  expect(priorityOfItem({ source: 'forum', createdAt: created })).toBe(7);
  expect(priorityOfItem({ source: null, createdAt: null })).toBe(3);
});

it('every item has a priority that a queue takes', () => {
  const item = fc.record({
    source: fc.option(fc.string()),
    createdAt: fc.option(fc.constant('2026-01-01T00:00:00.000Z')),
  });
  fc.assert(fc.property(item, (one) => [3, 7, 10].includes(priorityOfItem(one))));
});
