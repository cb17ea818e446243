import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { UserError } from '../user-error.ts';

/** Where rows come from. */
export interface InputSource {
  /** What it is called in messages, and its extension tells the format. */
  readonly name: string;
  /** In bytes; null where it can be read only once, such as a pipe, and its size is not known. */
  readonly size: number | null;
  /** Reads it from its beginning. */
  open(): AsyncIterable<Uint8Array>;
}

const lineFeed = 0x0a;
const chunkBytes = 64 * 1024;

/**
 * A file to read rows from.
 *
 * @throws UserError where it is a folder; the system's error where it cannot be reached
 */
export async function openInputFile(path: string): Promise<InputSource> {
  const found = await stat(path);
  if (found.isDirectory()) throw new UserError(`"${path}" is a folder: name a file in it.`);
  return {
    name: basename(path),
    size: found.isFile() ? found.size : null,
    open: () => createReadStream(path, { highWaterMark: chunkBytes }),
  };
}

/**
 * About how many rows it has: its lines, the header apart, without looking into them. For a progress bar; records
 * of several lines and blank lines make it a little too high. Null where it can be read only once.
 */
export async function countRowsRoughly(source: InputSource): Promise<number | null> {
  if (source.size === null) return null;
  let lines = 0;
  let last = lineFeed;
  let json: boolean | null = null;
  for await (const chunk of source.open()) {
    json ??= /^\s*\{/.test(
      Buffer.from(chunk.subarray(0, 100)).toString('latin1').replace('\u00ef\u00bb\u00bf', ''),
    );
    for (let at = chunk.indexOf(lineFeed); at !== -1; at = chunk.indexOf(lineFeed, at + 1)) lines += 1;
    last = chunk.at(-1) ?? last;
  }
  const whole = last === lineFeed ? lines : lines + 1;
  return json === true ? whole : Math.max(0, whole - 1);
}
