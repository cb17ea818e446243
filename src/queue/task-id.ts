import { createHash, randomUUID } from 'node:crypto';
import type { Provider } from '../domain/provider.ts';

/** Fixed for ever: with another one, publishing twice would no longer be harmless. */
const namespace = Buffer.from('6f1c8a54b7d34e0f9a2ce58d10f37b96', 'hex');

/** The task of a row of an input file; `again` counts the repetitions of the whole file. */
export function rowTaskId(stream: string, row: number, again = 0): string {
  return derivedId(again === 0 ? [stream, 'row', row] : [stream, 'row', row, 'again', again]);
}

/** The task that asks a provider which `taskId` left out. */
export function followUpTaskId(stream: string, taskId: string, provider: Provider): string {
  return derivedId([stream, taskId, 'follow-up', provider]);
}

/** The task that tries `taskId` again, for the n-th time. */
export function replayTaskId(stream: string, taskId: string, n: number): string {
  return derivedId([stream, taskId, 'replay', n]);
}

/** A random UUID, for every id that is not derived. */
export function randomId(): string {
  return randomUUID();
}

/** UUIDv5 over the JSON text of its parts. */
function derivedId(parts: readonly (string | number)[]): string {
  const hash = createHash('sha1').update(namespace).update(JSON.stringify(parts)).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
