import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { findBinaries } from '../../src/embedded/binaries.ts';
import { clusterOf, ensureCluster } from '../../src/embedded/cluster.ts';
import { type Launched, launch } from '../../src/embedded/launch.ts';
import { stopPostmaster } from '../../src/embedded/postmaster.ts';
import { serverUser } from '../../src/embedded/server-user.ts';
import { freePorts } from './services/free-ports.ts';

/** A PostgreSQL that a test may kill: its own, at one port for its whole life. */
export interface PrivatePostgres {
  readonly url: string;
  /** SIGKILL for the postmaster, as the kernel's out-of-memory killer sends it. */
  kill(): Promise<void>;
  /** Starts it again on what it left behind. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const readyMsMax = 60_000;
const pollMs = 50;
const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=100'];

export async function startPrivatePostgres(): Promise<PrivatePostgres> {
  const dataDir = realpathSync(mkdtempSync(join(tmpdir(), 'enrichment-killed-postgres-')));
  const cluster = clusterOf(dataDir);
  const binaries = findBinaries();
  const user = serverUser(cluster, binaries.postgres, [cluster, binaries.postgres]);
  const password = await ensureCluster(dataDir, binaries, user);
  const [port = 0] = await freePorts(1);
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres?sslmode=disable`;
  const args = [...settings, `port=${port}`].flatMap((setting) => ['-c', setting]);
  let server: Launched | null = null;

  async function start(): Promise<void> {
    const deadlineMs = performance.now() + readyMsMax;
    while (!(await answers(url))) {
      if (performance.now() > deadlineMs) throw new Error(`PostgreSQL was not ready: ${server?.said()}`);
      // It does not start while processes of the killed one still leave.
      if (server === null || server.exited() !== undefined)
        server = launch(binaries.postgres, ['-D', cluster, ...args], user, join(dataDir, 'postgres.log'));
      await sleep(pollMs);
    }
  }

  await start();
  return {
    url,
    start,
    async kill() {
      server?.kill();
      await server?.ended;
    },
    async stop() {
      if (server?.pid !== undefined) await stopPostmaster(cluster, server.pid);
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000, query_timeout: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
