import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { findBinaries } from '../../src/embedded/binaries.ts';
import { type EmbeddedPostgres, openEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { readPostmaster } from '../../src/embedded/postmaster.ts';
import { processExists } from '../../src/embedded/process-identity.ts';
import { freePort } from '../../src/embedded/server.ts';
import { holdFolder, killAll, killHard } from './processes.ts';

const isRoot = process.getuid?.() === 0;
const isLinux = process.platform === 'linux';
const base = mkdtempSync(join(tmpdir(), 'embedded-'));
chmodSync(base, 0o755);
/** Made once: making a cluster is what takes time. */
const dataDir = join(base, 'data');
const opened: EmbeddedPostgres[] = [];

async function open(folder = dataDir): Promise<EmbeddedPostgres> {
  const server = await openEmbeddedPostgres({ dataDir: folder });
  opened.push(server);
  return server;
}

async function query(url: string | undefined, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) await sleep(20);
  expect(holds()).toBe(true);
}

afterEach(async () => {
  await killAll();
  await Promise.all(opened.splice(0).map((server) => server.stop()));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('the PostgreSQL of a data folder', () => {
  it('is made once, keeps what it was told, and is gone when stopped', async () => {
    const first = await open();
    await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS n');
    await Promise.all([first.stop(), first.stop()]);
    expect(processExists(first.pid)).toBe(false);
    const second = await open();
    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
  });

  it('is small and durable', async () => {
    const { url } = await open();
    const names = ['fsync', 'synchronous_commit', 'jit', 'shared_buffers', 'server_encoding'];
    const rows = await query(url, `SELECT ${names.map((name) => `current_setting('${name}') AS ${name}`)}`);
    expect(rows).toEqual([
      { fsync: 'on', synchronous_commit: 'on', jit: 'off', shared_buffers: '32MB', server_encoding: 'UTF8' },
    ]);
  });

  it('lets nobody in without the password, which only its owner can read', async () => {
    const { url } = await open();
    await expect(query(url.replace(/:[0-9a-f]{36}@/, ':guess@'), 'SELECT 1')).rejects.toThrow(
      'password authentication failed',
    );
    expect(statSync(join(dataDir, 'password')).mode & 0o777).toBe(0o600);
    expect(statSync(join(dataDir, 'postgres')).mode & 0o777).toBe(0o700);
  });

  it('belongs to one process at a time', async () => {
    const holder = await holdFolder(dataDir);
    await expect(open()).rejects.toThrow(
      `The data folder ${dataDir} is in use by process ${holder.child.pid}: wait for it or stop it,`,
    );
  });

  it('does not hear Ctrl-C, so that its program can finish', async () => {
    const holder = await holdFolder(dataDir, { detached: true });
    process.kill(-(holder.child.pid ?? 0), 'SIGINT');
    expect(await holder.line()).toBe('interrupted');
    await sleep(100);
    expect(await query(holder.said.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });

  it('goes on after its program was killed, with all that was committed', async () => {
    const holder = await holdFolder(dataDir);
    await query(holder.said.url, 'CREATE TABLE survived AS SELECT 2 AS n');
    await killHard(holder);
    const { url } = await open();
    expect(await query(url, 'SELECT n FROM survived')).toEqual([{ n: 2 }]);
  });

  it.skipIf(!isLinux)('ends by itself when its program was killed (told by Linux only)', async () => {
    const holder = await holdFolder(dataDir);
    await killHard(holder);
    await until(() => !processExists(holder.said.pid ?? 0));
  });

  it('is adopted where it outlived its program', async () => {
    await (await open()).stop();
    const args = ['-D', join(dataDir, 'postgres'), '-c', 'listen_addresses=127.0.0.1'];
    args.push('-c', `port=${await freePort()}`, '-c', 'unix_socket_directories=', '-c', 'max_connections=11');
    const { uid, gid } = statSync(join(dataDir, 'postgres'));
    const outlived = spawn(findBinaries().postgres, args, { stdio: 'ignore', cwd: '/', uid, gid });
    await until(() => readPostmaster(join(dataDir, 'postgres'))?.status === 'ready');
    const server = await open();
    expect(server.pid).toBe(outlived.pid);
    expect(await query(server.url, 'SHOW max_connections')).toEqual([{ max_connections: '11' }]);
    await server.stop();
    expect(processExists(server.pid)).toBe(false);
  });

  it('recovers after the server itself was killed, though another program has its number now', async () => {
    const server = await open();
    await query(server.url, 'CREATE TABLE recovered AS SELECT 3 AS n');
    process.kill(server.pid, 'SIGKILL');
    await until(() => !processExists(server.pid));
    await server.stop();
    const pidFile = join(dataDir, 'postgres/postmaster.pid');
    writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(/^\d+/, String(process.ppid)));
    const { url } = await open();
    expect(await query(url, 'SELECT n FROM recovered')).toEqual([{ n: 3 }]);
  });

  it('is made anew where making it was cut off', async () => {
    const folder = join(base, 'cut-off');
    mkdirSync(join(folder, 'unfinished.1.ab/postgres/base'), { recursive: true });
    writeFileSync(join(folder, 'password'), 'of the first try');
    const { url } = await open(folder);
    expect(await query(url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    expect(() => statSync(join(folder, 'unfinished.1.ab'))).toThrow('ENOENT');
  });

  it.skipIf(!isRoot)(
    'works for root below a folder that only root may enter (skipped for others)',
    async () => {
      const home = join(base, 'home');
      mkdirSync(home, { mode: 0o700 });
      const { url } = await open(join(home, 'data'));
      expect(await query(url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    },
  );

  it.skipIf(!isRoot)('works for any user, and root goes on as that user (skipped for others)', async () => {
    const folder = join(base, 'theirs');
    mkdirSync(folder);
    execFileSync('chown', ['65534:65534', folder]);
    const user = { uid: 65534, gid: 65534 };
    const holder = await holdFolder(join(folder, 'data'), user);
    expect(await query(holder.said.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await killHard(holder);
    const { url } = await open(join(folder, 'data'));
    expect(await query(url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });
});

describe('what is wrong with a data folder is said in one sentence:', () => {
  it('a file in its place', async () => {
    const file = join(base, 'file');
    writeFileSync(file, '');
    await expect(open(join(file, 'data'))).rejects.toThrow(
      /^The data folder .*file\/data cannot be used \(ENOTDIR/,
    );
  });

  it.skipIf(!isRoot)('no permission to write there (skipped for others than root)', async () => {
    const { said } = await holdFolder(join(base, 'denied'), { uid: 65534, gid: 65534 });
    expect(said.error).toMatch(/^The data folder .*denied cannot be used \(EACCES/);
  });

  it('something else of the same name', async () => {
    const folder = join(base, 'else');
    mkdirSync(join(folder, 'postgres'), { recursive: true });
    await expect(open(folder)).rejects.toThrow(
      `The folder ${folder}/postgres is no PostgreSQL cluster: move it away`,
    );
  });

  it('the password lost', async () => {
    await (await open()).stop();
    const password = readFileSync(join(dataDir, 'password'));
    rmSync(join(dataDir, 'password'));
    await expect(open()).rejects.toThrow(`The file ${dataDir}/password is missing`);
    writeFileSync(join(dataDir, 'password'), password, { mode: 0o600 });
  });

  it('a cluster that does not start', async () => {
    const settings = { shared_buffers: 'much' };
    await expect(openEmbeddedPostgres({ dataDir, settings })).rejects.toThrow(
      /^The database did not start \(it says ".*FATAL:.*shared_buffers.*"\): see .*postgres\.log/,
    );
  });

  const disk = smallDisk();
  it.skipIf(disk === null)('a full disk (skipped where no small file system can be mounted)', async () => {
    try {
      await expect(open(join(disk ?? '', 'data'))).rejects.toThrow(
        /^The disk of the data folder .* is full: free/,
      );
    } finally {
      execFileSync('umount', [disk ?? '']);
    }
  });
});

function smallDisk(): string | null {
  const folder = join(base, 'disk');
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    return null;
  }
}
