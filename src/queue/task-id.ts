import { randomUUID } from 'node:crypto';
import { v5 } from 'uuid';
import type { Provider } from '../domain/provider.ts';

/** Every derived task id lies in this namespace. Streams bear these ids: it never changes. */
const namespace = '6f1c8a54-b7d3-4e0f-9a2c-e58d10f37b96';

/**
 * The task id of a row of a file.
 *
 * @param row the number of the data row, from 1
 * @param again which repetition of the file this is; 0 for the first
 */
export function rowTaskId(stream: string, row: number, again = 0): string {
  return derivedId(again === 0 ? [stream, 'row', row] : [stream, 'row', row, 'again', again]);
}

/** The id of the task that asks the provider which this task left out. */
export function followUpTaskId(stream: string, taskId: string, provider: Provider): string {
  return derivedId([stream, taskId, 'follow-up', provider]);
}

/** The id of the n-th replay of a task, from 1. */
export function replayTaskId(stream: string, taskId: string, n: number): string {
  return derivedId([stream, taskId, 'replay', n]);
}

/** The id of a new event or task. */
export function randomId(): string {
  return randomUUID();
}

/** What is derived can be published twice without harm. The JSON keeps parts apart whatever they contain. */
function derivedId(parts: readonly (string | number)[]): string {
  return v5(JSON.stringify(parts), namespace);
}
