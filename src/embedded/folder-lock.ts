import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { processBegan, processExists } from './process-identity.ts';

const triesMax = 100;
const tryAgainMs = 20;
/** A takeover is three file operations; one that is older was cut off in the middle. */
const takeoverMsMax = 5000;

interface Holder {
  readonly pid: number;
  /** When that process began; null where it cannot be told. */
  readonly began: string | null;
}

/**
 * Takes a data folder, made where it is missing, for this process. A lock of a process that is gone is taken over.
 *
 * @returns gives the folder back
 * @throws EmbeddedPostgresError where another process uses it
 */
export async function lockFolder(dataDir: string): Promise<() => void> {
  mkdirSync(dataDir, { recursive: true });
  const lock = join(dataDir, 'lock');
  const own = `${lock}.${randomBytes(6).toString('hex')}`;
  const text = JSON.stringify({ pid: process.pid, began: processBegan(process.pid) } satisfies Holder);
  writeFileSync(own, text);
  try {
    for (let tries = 0; tries < triesMax; tries++) {
      // A link appears whole or not at all, so nobody reads half a lock.
      if (link(own, lock)) return () => (read(lock) === text ? unlink(lock) : undefined);
      const found = read(lock);
      const holder = holderOf(found);
      if (holder !== null && isAlive(holder)) {
        throw new EmbeddedPostgresError(
          `The data folder ${dataDir} is in use by process ${holder.pid}: wait for it or stop it, or name another folder with --data-dir.`,
        );
      }
      if (!removeStale(lock, found)) await sleep(tryAgainMs);
    }
  } finally {
    unlink(own);
  }
  throw new EmbeddedPostgresError(`The data folder ${dataDir} keeps changing hands: try again.`);
}

/**
 * Of several processes that find the same stale lock only one may remove it: another could remove the new lock of
 * the first. The right to do so is a second link to the stale lock.
 */
function removeStale(lock: string, stale: string | null): boolean {
  const takeover = `${lock}.takeover`;
  if (!link(lock, takeover)) {
    if (ageMs(takeover) > takeoverMsMax) unlink(takeover);
    return false;
  }
  const same = read(takeover) === stale;
  if (same) unlink(lock);
  unlink(takeover);
  return same;
}

/** False where `to` exists, or `from` is gone. */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}

function unlink(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Since it was linked: that changes the inode, not the content. */
function ageMs(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? 0 : Date.now() - found.ctimeMs;
}

function holderOf(text: string | null): Holder | null {
  try {
    const holder: unknown = JSON.parse(text ?? '');
    return typeof holder === 'object' && holder !== null && 'pid' in holder ? (holder as Holder) : null;
  } catch {
    return null;
  }
}

function isAlive({ pid, began }: Holder): boolean {
  if (!processExists(pid)) return false;
  const now = processBegan(pid);
  return began === null || now === null || began === now;
}
