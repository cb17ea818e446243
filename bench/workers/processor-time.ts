import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const tickMs = 10;

/** User and system time of a process with all its threads, in milliseconds; steps of ten. */
export function processorMs(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

/** The same of a process and all below it, those that ended since included. */
export function processorMsOfTree(pid: number): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  let ms = 0;
  for (const one of pids) {
    try {
      for (let at = Number(one); at > 1; at = Number(statOf(at)[1])) {
        if (at !== pid) continue;
        ms += processorMs(Number(one));
        break;
      }
    } catch {
      // It ended while we looked.
    }
  }
  const ended = statOf(pid);
  return ms + (Number(ended[13]) + Number(ended[14])) * tickMs;
}

/** The process that listens on a port of this machine; null where it is not ours to see. */
export function listenerOf(port: number): number | null {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(table, 'utf8').split('\n')) {
      const [, local, , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state === '0A' && local?.endsWith(`:${wanted}`)) inodes.add(`socket:[${inode}]`);
    }
  }
  for (const pid of readdirSync('/proc')) {
    try {
      const files = readdirSync(`/proc/${pid}/fd`);
      if (files.some((file) => inodes.has(readlinkSync(`/proc/${pid}/fd/${file}`)))) return Number(pid);
    } catch {
      // No process, or not ours to see.
    }
  }
  return null;
}

/** Memory of a process in megabytes; what it shares with others counts in part (PSS). */
export function pssMb(pid: number): number {
  const kb = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? '0';
  return Math.round(Number(kb) / 1024);
}

/** What stands behind the name, whose parentheses may hold anything: state, parent, … */
function statOf(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(') ') + 2).split(' ');
}
