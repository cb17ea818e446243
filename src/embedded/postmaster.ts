import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { processExists } from './folder-lock.ts';

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly status: 'ready' | 'starting' | 'stopping';
}

/** The server that runs on this cluster, from its `postmaster.pid`; null where none does. */
export function readPostmaster(cluster: string): Postmaster | null {
  let lines: string[];
  try {
    lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return null;
  }
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0 || !processExists(pid) || !isPostgres(pid)) return null;
  const status = lines[7]?.trim();
  if (status === 'ready') return { pid, port: Number(lines[3]), status };
  return { pid, port: Number(lines[3]), status: status === 'stopping' ? 'stopping' : 'starting' };
}

/** The number may belong to another program by now; only Linux tells without another process. */
function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgres');
  } catch {
    return process.platform !== 'linux';
  }
}
