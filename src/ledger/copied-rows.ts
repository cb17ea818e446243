/** `d`, CopyData. @see https://www.postgresql.org/docs/15/protocol-message-formats.html */
const copyData = 0x64;
/** A letter, and the length of all but it. */
const headBytes = 5;

/** What a server of PostgreSQL sends, chunk by chunk. */
export interface CopiedRows {
  take(chunk: Buffer): void;
  /** What came of a message that is not whole. */
  rest(): Buffer;
}

/**
 * Takes what is copied out of what a server sends: as messages of `pg`, rows cost more than all else that is done with them
 * in the thread that receives them.
 *
 * @param row told of each message that is copied, in place: it has to be looked at before the call is over
 * @param other told of every other message
 */
export function createCopiedRows(
  row: (bytes: Buffer, from: number, to: number) => void,
  other: (message: Buffer) => void,
): CopiedRows {
  let parts: Buffer[] = [];
  let bytesOfParts = 0;
  /** So many have to be there before more can be told. */
  let wanted = headBytes;

  function one(bytes: Buffer, from: number, to: number): void {
    if (bytes[from] === copyData) row(bytes, from + headBytes, to);
    else other(bytes.subarray(from, to));
  }

  function keep(part: Buffer): void {
    parts.push(part);
    bytesOfParts += part.length;
  }

  function rest(): Buffer {
    const all = Buffer.concat(parts);
    parts = [];
    bytesOfParts = 0;
    return all;
  }

  /** Goes on with a message that began in a chunk before; where it stops. */
  function goOn(chunk: Buffer): number {
    let at = 0;
    while (bytesOfParts > 0 && at < chunk.length) {
      const to = Math.min(chunk.length, at + wanted - bytesOfParts);
      keep(chunk.subarray(at, to));
      at = to;
      if (bytesOfParts < wanted) continue;
      const all = rest();
      wanted = lengthAt(all, 0);
      if (all.length < wanted) keep(all);
      else one(all, 0, all.length);
    }
    return at;
  }

  return {
    rest,
    take(chunk) {
      let at = goOn(chunk);
      while (at + headBytes <= chunk.length) {
        const to = at + lengthAt(chunk, at);
        if (to > chunk.length) break;
        one(chunk, at, to);
        at = to;
      }
      if (at === chunk.length) return;
      wanted = at + headBytes <= chunk.length ? lengthAt(chunk, at) : headBytes;
      keep(chunk.subarray(at));
    },
  };
}

function lengthAt(bytes: Buffer, at: number): number {
  return 1 + bytes.readUInt32BE(at + 1);
}
