import type { Position } from './ledger.ts';

/** Byte offsets in EventStoreDB's log: sparse, and beyond what a number can hold. */
export interface LogPosition {
  readonly commit: bigint;
  readonly prepare: bigint;
}

export function encodePosition({
  commit,
  prepare,
}: { readonly [Name in keyof LogPosition]: bigint | string }): Position {
  return `${commit}/${prepare}`;
}

/** @throws RangeError where the text is no position of EventStoreDB, such as one of another ledger */
export function decodePosition(position: Position): LogPosition {
  const { commit, prepare } = partsOf(position);
  return { commit: BigInt(commit), prepare: BigInt(prepare) };
}

function partsOf(position: Position): { readonly commit: string; readonly prepare: string } {
  const [, commit, prepare] = /^(\d+)\/(\d+)$/.exec(position) ?? [];
  if (commit === undefined || prepare === undefined) {
    throw new RangeError(`"${position}" is no position of EventStoreDB: was it kept from another ledger?`);
  }
  return { commit, prepare };
}

/** Compares digits as they are: a rebuild compares two an event, and numbers of this size are slow to make. */
export function isAtOrAfter(position: Position, other: Position): boolean {
  const [one, two] = [partsOf(position), partsOf(other)];
  return (compareDigits(one.commit, two.commit) || compareDigits(one.prepare, two.prepare)) >= 0;
}

/** Without leading zeros, which no position has, the longer number is the greater one. */
function compareDigits(one: string, other: string): number {
  if (one.length !== other.length) return one.length - other.length;
  return one < other ? -1 : one > other ? 1 : 0;
}
