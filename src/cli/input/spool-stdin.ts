import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exitCodes } from '../exit-code.ts';
import { UserError } from '../user-error.ts';

/** What was piped in, as a file that outlives the pipe. */
export interface Spool {
  /** Named after its content, so that the same content is the same file again. */
  readonly path: string;
  readonly bytes: number;
}

const folder = 'input';
const unfinished = '.part';

/**
 * Writes standard input to the data folder before any row is worked off: after a kill the pipe is gone, and the
 * file is what the run goes on with. Piping the same content in again comes to the same file and the same rows. A
 * spool that was cut off is thrown away by the next one.
 *
 * @throws UserError where standard input is a terminal; the system's error where the disk is full
 */
export async function spoolStdin(
  stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean },
  dataDir: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Spool> {
  if (stdin.isTTY === true) {
    throw new UserError(
      '"-" reads rows that are piped in, as in "cat tracks.csv | … run -": name a file instead.',
      {
        exitCode: exitCodes.wrongUsage,
      },
    );
  }
  const directory = join(dataDir, folder);
  await mkdir(directory, { recursive: true });
  await discardUnfinished(directory);
  const partPath = join(directory, `stdin-${process.pid}${unfinished}`);
  try {
    const { bytes, digest } = await writeDown(stdin, partPath, options.signal);
    const path = join(directory, `stdin-${digest.slice(0, 16)}.txt`);
    await rename(partPath, path);
    return { path, bytes };
  } catch (error) {
    await rm(partPath, { force: true });
    throw error;
  }
}

/** Removes a spool once everything in it is done. */
export async function removeSpool({ path }: { readonly path: string }): Promise<void> {
  await rm(path, { force: true });
}

async function writeDown(
  stdin: AsyncIterable<Uint8Array | string>,
  path: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly bytes: number; readonly digest: string }> {
  const digest = createHash('sha256');
  let bytes = 0;
  const file = await open(path, 'w', 0o600);
  try {
    for await (const chunk of stdin) {
      signal?.throwIfAborted();
      const block = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      digest.update(block);
      await file.writeFile(block);
      bytes += block.length;
    }
    signal?.throwIfAborted();
    await file.sync();
  } catch (error) {
    throw withPath(error, path);
  } finally {
    await file.close();
  }
  return { bytes, digest: digest.digest('hex') };
}

async function discardUnfinished(directory: string): Promise<void> {
  const names = await readdir(directory);
  const stale = names.filter((name) => {
    const pid = /^stdin-([0-9]+)\.part$/.exec(name)?.[1];
    return pid !== undefined && !isRunning(Number(pid));
  });
  await Promise.all(stale.map((name) => rm(join(directory, name), { force: true })));
}

/** Another process may be spooling into the same folder: its file is left alone. */
function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** A full disk is reported without the path by the system call that meets it. */
function withPath(error: unknown, path: string): unknown {
  if (error instanceof Error && 'code' in error && !('path' in error)) return Object.assign(error, { path });
  return error;
}
