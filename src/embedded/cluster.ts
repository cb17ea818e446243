import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { launch, launchError } from './launch.ts';
import type { ServerUser } from './server-user.ts';

const initdbMsMax = 120_000;
const unfinishedPrefix = 'unfinished.';

/** Where things lie in a data folder. */
export function clusterOf(dataDir: string): string {
  return join(dataDir, 'postgres');
}

/**
 * Makes the cluster of a data folder where there is none. It is made beside its place and renamed when it is whole,
 * so one that was cut off is never mistaken for one.
 *
 * @returns the password of its superuser, which is kept in the folder, readable for its owner alone
 * @throws EmbeddedPostgresError
 */
export async function ensureCluster(dataDir: string, binaries: Binaries, user: ServerUser): Promise<string> {
  const cluster = clusterOf(dataDir);
  for (const name of readdirSync(dataDir)) {
    // An initdb that outlived its process may still write there; its folder then goes at the next start.
    if (name.startsWith(unfinishedPrefix)) removeIfPossible(join(dataDir, name));
  }
  if (existsSync(cluster)) return passwordOf(dataDir, cluster);
  const password = randomBytes(18).toString('hex');
  writeFileSync(join(dataDir, 'password'), password, { mode: 0o600, flush: true });
  const unfinished = join(dataDir, `${unfinishedPrefix}${process.pid}.${randomBytes(4).toString('hex')}`);
  const made = join(unfinished, 'postgres');
  mkdirSync(made, { recursive: true, mode: 0o755 });
  user.own(made);
  try {
    const passwordFile = join(unfinished, 'password');
    writeFileSync(passwordFile, password, { mode: 0o600 });
    user.own(passwordFile);
    await initdb(made, passwordFile, dataDir, binaries, user);
    renameSync(made, cluster);
    syncFolder(dataDir);
  } finally {
    removeIfPossible(unfinished);
  }
  return password;
}

async function initdb(
  cluster: string,
  passwordFile: string,
  dataDir: string,
  binaries: Binaries,
  user: ServerUser,
): Promise<void> {
  const log = join(dataDir, 'initdb.log');
  const args = ['-D', cluster, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-instructions'];
  args.push('--auth=scram-sha-256', `--pwfile=${passwordFile}`);
  const launched = launch(binaries.initdb, args, user, log);
  const tooLong = setTimeout(launched.kill, initdbMsMax);
  const code = await launched.ended;
  clearTimeout(tooLong);
  if (code !== 0) throw launchError('The database could not be made', launched.said(), dataDir, log);
}

function passwordOf(dataDir: string, cluster: string): string {
  const uid = process.getuid?.() ?? 0;
  const owner = statSync(cluster).uid;
  if (uid !== 0 && owner !== uid) {
    throw new EmbeddedPostgresError(
      `The database in ${dataDir} belongs to user ${owner}, and this is user ${uid}: run as the user who made it, or name another folder with --data-dir.`,
    );
  }
  if (!existsSync(join(cluster, 'PG_VERSION'))) {
    throw new EmbeddedPostgresError(
      `The folder ${cluster} is no PostgreSQL cluster: move it away, or name another folder with --data-dir.`,
    );
  }
  const file = join(dataDir, 'password');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  throw new EmbeddedPostgresError(
    `The file ${file} is missing, and without it the database cannot be opened: put it back, or name another folder with --data-dir.`,
  );
}

function removeIfPossible(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // It is only space, and tried again at the next start.
  }
}

/** Makes the rename survive a power cut; Windows has no such call. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  fsyncSync(folder);
  closeSync(folder);
}
