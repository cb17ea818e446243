import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { diskFull, EmbeddedPostgresError } from './embedded-postgres-error.ts';
import type { ServerUser } from './server-user.ts';

const logBytesMax = 4 * 1024 * 1024;
const saidCharsMax = 400;

export interface Launched {
  readonly pid: number | undefined;
  /** The exit code, null after a signal; undefined while it runs. */
  exited(): number | null | undefined;
  readonly ended: Promise<number | null>;
  /** What it wrote to its log so far. */
  said(): string;
  kill(): void;
}

/** Starts one of PostgreSQL's programs in a session of its own, so that Ctrl-C in the terminal reaches only us. */
export function launch(program: string, args: readonly string[], user: ServerUser, log: string): Launched {
  if (sizeOf(log) > logBytesMax) renameSync(log, `${log}.1`);
  const said = sayingSince(log);
  const output = openSync(log, 'a', 0o600);
  let child: ChildProcess;
  try {
    const [command = program, ...rest] = [...user.prefix, program, ...args];
    child = spawn(command, rest, {
      ...user.ids,
      // One that the server's user may enter, and that nobody wants to unmount.
      cwd: '/',
      detached: true,
      stdio: ['ignore', output, output],
      // Its messages are looked into, and settings of other PostgreSQLs (PGPORT, PGOPTIONS) are not ours.
      ...(process.platform === 'win32' ? {} : { env: { LC_ALL: 'C' } }),
    });
  } finally {
    closeSync(output);
  }
  child.unref();
  let failed: Error | null = null;
  let code: number | null | undefined;
  const ended = new Promise<number | null>((resolve) => {
    const end = (value: number | null) => {
      code = value;
      resolve(value);
    };
    child.once('exit', end).once('error', (error) => {
      failed = error;
      end(null);
    });
  });
  return {
    pid: child.pid,
    exited: () => code,
    ended,
    said: () => failed?.message ?? said(),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** What is written to a log from now on. */
export function sayingSince(log: string): () => string {
  const from = sizeOf(log);
  return () => (existsSync(log) ? readFileSync(log).subarray(from).toString().trim() : '');
}

export function isDiskFull(said: string): boolean {
  return /No space left on device|Disk quota exceeded/.test(said);
}

/** One sentence on why a program of PostgreSQL failed, from what it wrote. */
export function launchError(what: string, said: string, dataDir: string, log: string): EmbeddedPostgresError {
  if (isDiskFull(said)) return diskFull(dataDir);
  const lines = said.split('\n').filter((line) => /FATAL|PANIC|error:/.test(line));
  const last = (lines.at(-1) ?? said.split('\n').at(-1) ?? '').trim().slice(0, saidCharsMax);
  const reason = last === '' ? 'it did not say why' : `it says "${last}"`;
  return new EmbeddedPostgresError(
    `${what} (${reason}): see ${log}, or name another folder with --data-dir.`,
  );
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}
