import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const psMsMax = 5000;

/** True where a process with this number exists, whoever owns it. One that ended and was not waited for does not. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return statFields(pid)?.[0] !== 'Z';
}

/** When the process began: tells it from a later one with the same number. Null where it cannot be told. */
export function processBegan(pid: number): string | null {
  if (process.platform === 'linux') {
    const ticks = statFields(pid)?.[19];
    return ticks === undefined ? null : `${read('/proc/sys/kernel/random/boot_id').trim()} ${ticks}`;
  }
  return ps(pid, 'lstart=');
}

/** The command line, one word an element where the system says so; null where it cannot be told. */
export function processCommand(pid: number): readonly string[] | null {
  if (process.platform === 'linux') {
    const text = read(`/proc/${pid}/cmdline`);
    return text === '' ? null : text.split('\0');
  }
  return ps(pid, 'command=')?.split(' ') ?? null;
}

/** The fields after the name, which may hold spaces and brackets itself; the first is the state. */
function statFields(pid: number): readonly string[] | null {
  const text = read(`/proc/${pid}/stat`);
  return text === '' ? null : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function ps(pid: number, format: string): string | null {
  if (process.platform === 'win32') return null;
  const env = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };
  const { stdout } = spawnSync('ps', ['-o', format, '-p', String(pid)], {
    encoding: 'utf8',
    timeout: psMsMax,
    env,
  });
  const text = stdout?.trim() ?? '';
  return text === '' ? null : text;
}
