import { linkSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedPostgresError } from './binaries.ts';

/** How often a lock that changes hands under us is tried. */
const triesMax = 5;

interface Holder {
  readonly pid: number;
  /** When that process began, as the system counts it; null where it cannot be told. */
  readonly began: string | null;
}

/**
 * Takes a data folder for this process; a lock of a process that is gone is taken over.
 *
 * @returns gives the folder back
 * @throws EmbeddedPostgresError where another process uses it
 */
export function lockFolder(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true });
  const lock = join(dataDir, 'lock');
  const mine = `${lock}.${process.pid}`;
  writeFileSync(mine, JSON.stringify({ pid: process.pid, began: beganAt(process.pid) } satisfies Holder));
  try {
    for (let tries = 0; tries < triesMax; tries++) {
      if (linked(mine, lock)) return () => unlinkSync(lock);
      const holder = holderOf(lock);
      if (holder !== null && isAlive(holder)) {
        throw new EmbeddedPostgresError(
          `The data folder ${dataDir} is in use by process ${holder.pid}: wait for it, stop it, or name another with --data-dir.`,
        );
      }
      // By rename, so that of two that find it stale only one takes it away.
      renamed(lock, `${lock}.stale.${process.pid}`);
    }
  } finally {
    unlinkSync(mine);
  }
  throw new EmbeddedPostgresError(`The data folder ${dataDir} keeps changing hands: try again.`);
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function renamed(from: string, to: string): void {
  try {
    renameSync(from, to);
    unlinkSync(to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function holderOf(lock: string): Holder | null {
  try {
    return JSON.parse(readFileSync(lock, 'utf8')) as Holder;
  } catch {
    return null;
  }
}

function isAlive({ pid, began }: Holder): boolean {
  return processExists(pid) && (began === null || began === beganAt(pid));
}

export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Tells a process from a later one with the same number; only Linux says it in a file. */
function beganAt(pid: number): string | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[19] ?? null;
  } catch {
    return null;
  }
}
