import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

/** How the command-line tool is started: what is measured runs under the same bounds. */
export const cli = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { cli: string } }
).scripts.cli
  .split(' ')
  .slice(1);

/** What a process said of itself, and what was seen of it. */
export interface Ran<Said> {
  readonly said: Said;
  /** Proportional set size, the most that was seen, in MB. */
  readonly peakMb: number;
  /** User and system time of the processes of the database meanwhile, in milliseconds. */
  readonly databaseMs: number;
}

const sampleEveryMs = 100;

/** Runs one side of a pair in a process of its own, which says its figures as one line of JSON. */
export async function ran<Said>(
  script: string,
  settings: Readonly<Record<string, string>>,
  databaseDir: string | null,
): Promise<Ran<Said>> {
  // What is JavaScript is run as it is.
  const flags = script.endsWith('.mjs') ? cli.filter((flag) => !['--import', 'tsx'].includes(flag)) : cli;
  const args = [...flags.slice(0, -1), join(root, 'bench/rebuild', script)];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const before = databaseMs(databaseDir);
  let peakMb = 0;
  const timer = setInterval(() => {
    peakMb = Math.max(peakMb, pssMb(child.pid ?? 0));
  }, sampleEveryMs);
  const [text, code] = await Promise.all([
    outputOf(child),
    once(child, 'close').then(([code]) => Number(code)),
  ]);
  clearInterval(timer);
  if (code !== 0) throw new Error(`${script} ended with ${code}.`);
  return { said: JSON.parse(text) as Said, peakMb, databaseMs: databaseMs(databaseDir) - before };
}

async function outputOf(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) text += String(chunk);
  return text;
}

/** User and system time of this process, in milliseconds. */
export function ownMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The same of the server of a data folder, those of its processes that have ended included. */
function databaseMs(dataDir: string | null): number {
  const file = join(dataDir ?? '', 'postgres/postmaster.pid');
  if (dataDir === null || !existsSync(file)) return 0;
  const [postmaster = ''] = readFileSync(file, 'utf8').split('\n');
  let ticks = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const fields = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
    const [own, ended] = [sum(fields.slice(11, 13)), sum(fields.slice(13, 15))];
    if (pid === postmaster) ticks += own + ended;
    else if (fields[1] === postmaster) ticks += own;
  }
  return ticks * 10;
}

export function pssMb(pid: number): number {
  const kb = /^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? '0';
  return Math.round(Number(kb) / 1024);
}

function sum(texts: readonly string[]): number {
  return texts.reduce((total, one) => total + Number(one), 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
