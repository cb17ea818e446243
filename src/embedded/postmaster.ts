import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { processCommand, processExists } from './process-identity.ts';

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly status: 'ready' | 'starting' | 'stopping';
}

const fastStopMsMax = 30_000;
const immediateStopMsMax = 10_000;
const pollMs = 20;

/** The server that runs on this cluster, as its `postmaster.pid` says; null where none does. */
export function readPostmaster(cluster: string): Postmaster | null {
  const lines = pidFile(cluster);
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0 || !isServerOf(pid, cluster)) return null;
  const status = lines[7]?.trim();
  const port = Number(lines[3]);
  if (status === 'ready') return { pid, port, status };
  return { pid, port, status: status === 'stopping' ? 'stopping' : 'starting' };
}

/**
 * PostgreSQL does not start while the process named in `postmaster.pid` lives, though its number may belong to
 * another program by now. It ignores the number of its own parent, so that is put there. The file itself stays: by
 * it PostgreSQL finds out whether processes of the dead server still use its memory.
 */
export function disarmStalePidFile(cluster: string): void {
  const [first, ...others] = pidFile(cluster);
  const pid = Number(first);
  if (first === undefined || !processExists(pid) || isServerOf(pid, cluster)) return;
  const file = openSync(join(cluster, 'postmaster.pid'), 'w');
  writeSync(file, [process.pid, ...others].join('\n'));
  closeSync(file);
}

/**
 * Stops a server: politely, then at once. What is committed is safe either way.
 *
 * @throws EmbeddedPostgresError where it does not end
 */
export async function stopPostmaster(cluster: string, pid: number): Promise<void> {
  for (const [signal, withinMs] of [
    ['SIGINT', fastStopMsMax],
    ['SIGQUIT', immediateStopMsMax],
  ] as const) {
    try {
      if (isServerOf(pid, cluster)) process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    const deadlineMs = performance.now() + withinMs;
    while (isServerOf(pid, cluster) && performance.now() < deadlineMs) await sleep(pollMs);
    if (!isServerOf(pid, cluster)) return;
  }
  throw new EmbeddedPostgresError(`The database of ${cluster} does not stop: end process ${pid}.`);
}

function pidFile(cluster: string): readonly string[] {
  try {
    return readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return [];
  }
}

function isServerOf(pid: number, cluster: string): boolean {
  if (!processExists(pid)) return false;
  const command = processCommand(pid);
  // Where the system does not tell, the connection that follows does.
  if (command === null) return process.platform === 'win32';
  const [program = ''] = command;
  if (process.platform !== 'linux') return command.join(' ').includes(cluster);
  return basename(program) === 'postgres' && command.includes(cluster);
}
