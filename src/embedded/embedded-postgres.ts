import { type SpawnOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Binaries, EmbeddedPostgresError, findBinaries } from './binaries.ts';
import { lockFolder } from './folder-lock.ts';
import { readPostmaster } from './postmaster.ts';
import { type ServerUser, serverUser } from './server-user.ts';

/** A PostgreSQL of our own: its cluster lies in the data folder, it listens on loopback and wants a password. */
export interface EmbeddedPostgres {
  readonly url: string;
  readonly pid: number;
  /** Stops the server, within `stopMsMax`, and gives the folder back. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  /** Server settings besides or instead of ours. */
  readonly settings?: Readonly<Record<string, string>>;
}

const startMsMax = 60_000;
const stopMsMax = 20_000;
const immediateStopMsMax = 5000;
const pollMs = 20;
const logTailChars = 600;

/** Small: it serves one process on a laptop. Durable: what was appended stays. */
const ownSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '32MB',
  max_connections: '40',
  max_wal_size: '512MB',
  jit: 'off',
  log_min_messages: 'warning',
  max_worker_processes: '2',
  max_parallel_workers: '0',
  autovacuum_max_workers: '1',
  wal_level: 'minimal',
  max_wal_senders: '0',
};

/**
 * Starts the PostgreSQL of a data folder, making it where there is none. A server that outlived its process (a
 * `kill -9`) is adopted. It runs in a session of its own, so that Ctrl-C reaches only us.
 *
 * @throws EmbeddedPostgresError with one sentence on what to do
 */
export async function openEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const unlock = lockFolder(dataDir);
  try {
    const binaries = findBinaries();
    const user = serverUser([join(dataDir, 'postgres'), binaries.postgres]);
    const password = passwordOf(dataDir);
    const cluster = join(dataDir, 'postgres');
    if (!existsSync(cluster)) await makeCluster(cluster, dataDir, binaries, user, password);
    const { pid, port } = await adoptOrStart(cluster, dataDir, binaries, user, options.settings ?? {});
    return {
      url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      pid,
      async stop() {
        await stopServer(cluster, pid);
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

function passwordOf(dataDir: string): string {
  const file = join(dataDir, 'password');
  if (existsSync(join(dataDir, 'postgres'))) return readFileSync(file, 'utf8').trim();
  const password = randomBytes(18).toString('hex');
  writeFileSync(file, password, { mode: 0o600 });
  return password;
}

/** Beside its final place, so that one that was cut off is not mistaken for a whole one. */
async function makeCluster(
  cluster: string,
  dataDir: string,
  { initdb }: Binaries,
  user: ServerUser,
  password: string,
): Promise<void> {
  const unfinished = `${cluster}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  user.own(unfinished);
  const passwordFile = join(unfinished, '..', `password.${process.pid}`);
  writeFileSync(passwordFile, password, { mode: 0o600 });
  user.own(passwordFile);
  const log = join(dataDir, 'initdb.log');
  const args = ['-D', unfinished, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-instructions'];
  args.push('--auth=scram-sha-256', `--pwfile=${passwordFile}`);
  try {
    const child = launch(initdb, args, user, log, {});
    const code = await new Promise<number | null>((done, failed) =>
      child.once('exit', done).once('error', failed),
    );
    if (code !== 0) throw failure('The database could not be made', log);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(unfinished, cluster);
}

async function adoptOrStart(
  cluster: string,
  dataDir: string,
  { postgres }: Binaries,
  user: ServerUser,
  settings: Readonly<Record<string, string>>,
): Promise<{ pid: number; port: number }> {
  const deadlineMs = performance.now() + startMsMax;
  const log = join(dataDir, 'postgres.log');
  let child: ReturnType<typeof launch> | null = null;
  while (performance.now() < deadlineMs) {
    const found = readPostmaster(cluster);
    if (found?.status === 'ready') return found;
    if (found === null && child === null) {
      rmSync(join(cluster, 'postmaster.pid'), { force: true });
      const all = { ...ownSettings, ...settings, port: String(await freePort()) };
      const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      child = launch(postgres, ['-D', cluster, ...args], user, log, { detached: true });
      child.unref();
    }
    if (child !== null && (child.exitCode !== null || child.signalCode !== null)) {
      throw failure('The database did not start', log);
    }
    await sleep(pollMs);
  }
  throw failure(`The database was not ready after ${startMsMax / 1000} s`, log);
}

function launch(
  program: string,
  args: readonly string[],
  user: ServerUser,
  log: string,
  options: SpawnOptions,
) {
  const output = openSync(log, 'a', 0o600);
  try {
    const [command = program, ...rest] = [...user.prefix, program, ...args];
    // The working directory has to be one that the server's user may enter.
    return spawn(command, rest, { ...options, ...user.ids, cwd: '/', stdio: ['ignore', output, output] });
  } finally {
    closeSync(output);
  }
}

async function stopServer(cluster: string, pid: number): Promise<void> {
  const gone = async (withinMs: number) => {
    const deadlineMs = performance.now() + withinMs;
    while (readPostmaster(cluster)?.pid === pid) {
      if (performance.now() > deadlineMs) return false;
      await sleep(pollMs);
    }
    return true;
  };
  // Fast, then immediate: what is committed is safe with either.
  for (const [signal, withinMs] of [
    ['SIGINT', stopMsMax],
    ['SIGQUIT', immediateStopMsMax],
  ] as const) {
    if (readPostmaster(cluster)?.pid !== pid) return;
    process.kill(pid, signal);
    if (await gone(withinMs)) return;
  }
}

function failure(what: string, log: string): EmbeddedPostgresError {
  const text = existsSync(log) ? readFileSync(log, 'utf8').trim().slice(-logTailChars) : '';
  if (/No space left on device/.test(text)) {
    return new EmbeddedPostgresError(
      `${what}: the disk is full. Free some space, or name another --data-dir.`,
    );
  }
  const last = text.split('\n').slice(-3).join(' ');
  return new EmbeddedPostgresError(`${what}; ${log} says: ${last === '' ? 'nothing' : last}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, failed) => server.once('error', failed).listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string')
    throw new EmbeddedPostgresError('No free port was found.');
  return address.port;
}
