import type { Position } from './ledger.ts';

/** Byte offsets in EventStoreDB's log: sparse, and beyond what a number can hold. */
export interface LogPosition {
  readonly commit: bigint;
  readonly prepare: bigint;
}

export function encodePosition({ commit, prepare }: LogPosition): Position {
  return `${commit}/${prepare}`;
}

/** @throws RangeError where the text is no position of EventStoreDB, such as one of another ledger */
export function decodePosition(position: Position): LogPosition {
  const [, commit, prepare] = /^(\d+)\/(\d+)$/.exec(position) ?? [];
  if (commit === undefined || prepare === undefined) {
    throw new RangeError(`"${position}" is no position of EventStoreDB: was it kept from another ledger?`);
  }
  return { commit: BigInt(commit), prepare: BigInt(prepare) };
}

export function isAtOrAfter(position: Position, other: Position): boolean {
  const [one, two] = [decodePosition(position), decodePosition(other)];
  return one.commit === two.commit ? one.prepare >= two.prepare : one.commit > two.commit;
}
