import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Binaries } from './binaries.ts';
import { clusterOf } from './cluster.ts';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { type Launched, launch, launchError } from './launch.ts';
import { disarmStalePidFile, type Postmaster, readPostmaster, stopPostmaster } from './postmaster.ts';
import type { ServerUser } from './server-user.ts';

/** Recovery after a crash, and the end of an earlier server, included. */
const startMsMax = 120_000;
/** A server that is ready may have been told to stop a moment ago, when its process died. */
const adoptAfterMs = 300;
/** One whose disk was full may never end by itself. */
const endStoppingAfterMs = 10_000;
const sayWaitingAfterMs = 1500;
const pollMs = 10;
const startsMax = 5;

/** What passes when a start is tried again: the port was taken meanwhile, or processes of a dead server linger. */
const passing = /could not create any TCP|pre-existing shared memory block|Address already in use/;

export interface ServerOptions {
  readonly dataDir: string;
  readonly binaries: Binaries;
  readonly user: ServerUser;
  readonly settings: Readonly<Record<string, string>>;
  readonly onWait: (sentence: string) => void;
}

/**
 * The running server of a data folder: the one that is there, or a new one on a free port.
 *
 * @throws EmbeddedPostgresError
 */
export async function adoptOrStart(options: ServerOptions): Promise<Postmaster> {
  const { dataDir, onWait } = options;
  const cluster = clusterOf(dataDir);
  const log = join(dataDir, 'postgres.log');
  const beganMs = performance.now();
  let launched: Launched | null = null;
  let starts = 0;
  let readySinceMs: number | null = null;
  let stoppingSinceMs: number | null = null;
  let said = false;
  while (performance.now() - beganMs < startMsMax) {
    const found = readPostmaster(cluster);
    if (found?.status !== 'ready') readySinceMs = null;
    else if (found.pid === launched?.pid) return found;
    else {
      readySinceMs ??= performance.now();
      if (performance.now() - readySinceMs > adoptAfterMs) return found;
    }
    if (found?.status !== 'stopping') stoppingSinceMs = null;
    else {
      stoppingSinceMs ??= performance.now();
      if (performance.now() - stoppingSinceMs > endStoppingAfterMs) await stopPostmaster(cluster, found.pid);
    }
    if (launched !== null && launched.exited() !== undefined) {
      const text = launched.said();
      if (starts === startsMax || !passing.test(text)) {
        throw launchError('The database did not start', text, dataDir, log);
      }
      launched = null;
      await sleep(adoptAfterMs);
    }
    if (found === null && launched === null) {
      launched = await start(cluster, log, options);
      starts += 1;
    }
    if (!said && performance.now() - beganMs > sayWaitingAfterMs) {
      said = true;
      onWait(
        launched === null
          ? 'Waiting for the database of an earlier run to stop.'
          : 'Waiting for the database to start.',
      );
    }
    await sleep(pollMs);
  }
  if (launched?.pid !== undefined) await stopPostmaster(cluster, launched.pid);
  throw new EmbeddedPostgresError(
    `The database in ${dataDir} was not ready after ${startMsMax / 1000} s: see ${log}, and run it again.`,
  );
}

async function start(cluster: string, log: string, options: ServerOptions): Promise<Launched> {
  disarmStalePidFile(cluster);
  const all = { ...options.settings, port: String(await freePort()) };
  const settings = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return launch(options.binaries.postgres, ['-D', cluster, ...settings], options.user, log);
}

/** One that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, failed) => server.once('error', failed).listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') {
    throw new EmbeddedPostgresError('No free port was found on 127.0.0.1.');
  }
  return address.port;
}
