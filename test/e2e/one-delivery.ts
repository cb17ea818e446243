import { expect } from 'vitest';

/** What is looked at of an event. */
export interface Told {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What must hold of the stream of one task, however often it was cut off. */
export function expectOneDelivery(events: readonly Told[], callsMax: number): void {
  expect(events[0]?.type).toBe('TaskReceived');
  const received = events.filter(({ type }) => type === 'TaskReceived');
  const ends = events.filter(
    ({ type, data }) => type === 'Enriched' || (type === 'Failed' && data.final === true),
  );
  const taskIds = (of: readonly Told[]) => of.map(({ metadata }) => String(metadata.taskId)).toSorted();
  const tasks = [...new Set(taskIds(events))];
  // Repeated deliveries are facts of their own, numbered: a task was received once under each number.
  expect([...new Set(taskIds(received))]).toEqual(tasks);
  const numbered = received.map(({ data, metadata }) => `${metadata.taskId} ${data.delivery}`);
  expect(new Set(numbered).size).toBe(numbered.length);
  expect(taskIds(ends)).toEqual(tasks);
  const hops = events.filter(({ type }) => ['Enriched', 'Failed', 'Deferred'].includes(type));
  const decided = hops.map(({ metadata }) => `${metadata.taskId} ${metadata.hop}`);
  expect(new Set(decided).size).toBe(decided.length);
  expect(events.filter(({ type }) => type === 'ApiCalled').length).toBeLessThanOrEqual(callsMax);
}
