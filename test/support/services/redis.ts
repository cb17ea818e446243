import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './distribution.ts';
import { freePorts } from './free-ports.ts';

export interface PrivateRedis {
  /** `redis://HOST:PORT` */
  readonly url: string;
  /** Ends it as a power cut does. */
  kill(): Promise<void>;
  /** Starts it again at the same port, empty. */
  start(): Promise<void>;
  /** Has it forget everything. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

const startMsMax = 10_000;

export function redisProgram(): string | null {
  return findProgram('redis-server');
}

/**
 * A Redis of its own on loopback, which keeps nothing on disk.
 *
 * @param password that it wants of everybody; left out: none
 */
export async function startPrivateRedis(password?: string): Promise<PrivateRedis> {
  const program = redisProgram();
  if (program === null) throw new Error('redis-server is not installed.');
  const folder = mkdtempSync(join(tmpdir(), 'enrichment-redis-'));
  const [port = 0] = await freePorts(1);
  let child: ChildProcess | null = null;

  async function start(): Promise<void> {
    const args = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      folder,
      ...(password === undefined ? [] : ['--requirepass', password]),
    ];
    child = spawn(program ?? '', args, { stdio: 'ignore' });
    const deadlineMs = performance.now() + startMsMax;
    // Without the password it refuses to say more.
    while (!/^(\+PONG|-NOAUTH)/.test(await said(port, 'PING'))) {
      if (performance.now() > deadlineMs) throw new Error('Redis was not ready in time.');
      await sleep(20);
    }
  }

  async function kill(): Promise<void> {
    const last = child;
    child = null;
    if (last === null || last.exitCode !== null) return;
    last.kill('SIGKILL');
    await once(last, 'exit');
  }

  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    kill,
    async flush() {
      const answer = await said(port, 'FLUSHALL');
      if (answer !== '+OK') throw new Error(`Redis did not flush: ${answer}`);
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Its answer to a command; empty where it does not answer. */
async function said(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write(`${command}\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString().trim();
  } catch {
    return '';
  } finally {
    socket.destroy();
  }
}
