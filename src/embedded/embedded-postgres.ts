import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { findBinaries } from './binaries.ts';
import { clusterOf, ensureCluster } from './cluster.ts';
import { EmbeddedPostgresError, folderError } from './embedded-postgres-error.ts';
import { lockFolder } from './folder-lock.ts';
import { isDiskFull, launchError, sayingSince } from './launch.ts';
import { readPostmaster, stopPostmaster } from './postmaster.ts';
import { adoptOrStart } from './server.ts';
import { serverUser } from './server-user.ts';

/** A PostgreSQL of our own: its cluster lies in the data folder, it listens on loopback and wants a password. */
export interface EmbeddedPostgres {
  /** Of the superuser, with the password: not for logs. */
  readonly url: string;
  readonly pid: number;
  /** Why the server cannot go on, where it ended by itself or its disk is full; null while nothing is wrong. */
  fault(): EmbeddedPostgresError | null;
  /**
   * Stops the server and gives the folder back; a second call waits for the first.
   *
   * @throws EmbeddedPostgresError where the server does not end within 40 s
   */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  /** Server settings besides or instead of ours. A server that runs already keeps its own. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told one sentence when something takes longer than a person expects. */
  readonly onWait?: (sentence: string) => void;
}

/** Small: it serves one process on a laptop. Durable: what was appended stays. */
const ownSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // Loopback with a password needs no path, and a socket's may be no longer than 107 bytes.
  unix_socket_directories: '',
  shared_buffers: '32MB',
  max_connections: '50',
  max_wal_size: '512MB',
  jit: 'off',
  io_method: 'sync',
  log_min_messages: 'warning',
  max_worker_processes: '2',
  max_parallel_workers: '0',
  max_logical_replication_workers: '0',
  autovacuum_max_workers: '1',
  maintenance_work_mem: '16MB',
  // ANALYZE holds 300 rows for each of it in memory, and our rows are wide.
  default_statistics_target: '10',
  wal_level: 'minimal',
  max_wal_senders: '0',
};

const connectMsMax = 10_000;

/**
 * Starts the PostgreSQL of a data folder, making it where there is none; a server that outlived its process is
 * adopted. On Linux the server ends with the thread that opened it, also after a `kill -9`.
 *
 * @throws EmbeddedPostgresError with one sentence on what to do
 */
export async function openEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const given = resolve(options.dataDir);
  const unlock = await lockFolder(given).catch((error: unknown) => Promise.reject(folderError(given, error)));
  try {
    const dataDir = realpathSync(given);
    const cluster = clusterOf(dataDir);
    const binaries = findBinaries();
    const user = serverUser(cluster, binaries.postgres, [cluster, binaries.postgres]);
    const password = await ensureCluster(dataDir, binaries, user);
    const settings = { ...ownSettings, ...options.settings };
    const onWait = options.onWait ?? (() => undefined);
    const { pid, port } = await adoptOrStart({ dataDir, binaries, user, settings, onWait });
    // Without sslmode, PGSSLMODE of the environment would count.
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres?sslmode=disable`;
    await verify(url, cluster).catch(async (error: unknown) => {
      await stopPostmaster(cluster, pid);
      throw error;
    });
    const log = join(dataDir, 'postgres.log');
    const said = sayingSince(log);
    let stopped: Promise<void> | null = null;
    return {
      url,
      pid,
      fault() {
        const ended = stopped === null && readPostmaster(cluster)?.pid !== pid;
        const text = said();
        if (!ended && !isDiskFull(text)) return null;
        return launchError('The database ended', text, dataDir, log);
      },
      stop() {
        stopped ??= stopPostmaster(cluster, pid).finally(unlock);
        return stopped;
      },
    };
  } catch (error) {
    unlock();
    throw folderError(given, error);
  }
}

/** That the server answers, takes our password, and serves this cluster and no other. */
async function verify(url: string, cluster: string): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectMsMax,
    query_timeout: connectMsMax,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    if (rows[0]?.data_directory === cluster) return;
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `The database in ${cluster} does not answer us (${(cause as Error).message}): end its process and try again, or name another folder with --data-dir.`,
      { cause },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
  throw new EmbeddedPostgresError(`Another database answers in place of the one in ${cluster}: try again.`);
}
