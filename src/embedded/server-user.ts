import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';

/** How to start PostgreSQL's programs: what stands before them on the command line, and as whom they run. */
export interface ServerUser {
  readonly prefix: readonly string[];
  readonly ids: { readonly uid: number; readonly gid: number } | Record<string, never>;
  /** Makes the server's user the owner of a path. */
  own(path: string): void;
}

type Ids = { readonly uid: number; readonly gid: number };

const setprivPaths = ['/usr/bin/setpriv', '/bin/setpriv'];
/** The server shuts down when the process that started it is gone, so that after a `kill -9` none lives on. */
const endWithUs = ['--pdeathsig', 'INT'];
const passAnyFolder = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
const tryMsMax = 10_000;

/**
 * PostgreSQL refuses root, so as root it runs as the owner of the cluster, at first `nobody`. Where that user cannot
 * reach a path, below a home of mode 0700 say, it keeps the one capability that lets it pass. Each way is tried on a
 * program first, since containers take capabilities away.
 *
 * @param program one of PostgreSQL's, which answers `--version`
 * @param paths what the server's user has to reach
 * @throws EmbeddedPostgresError
 */
export function serverUser(cluster: string, program: string, paths: readonly string[]): ServerUser {
  const setpriv = setprivPaths.find((path) => existsSync(path)) ?? '';
  if (process.getuid?.() !== 0) {
    const own = () => undefined;
    if (process.platform !== 'linux') return { prefix: [], ids: {}, own };
    const bound = { prefix: [setpriv, ...endWithUs, '--'], ids: {}, own };
    return runs(bound, program) ? bound : { prefix: [], ids: {}, own };
  }
  const ids = ownerOf(cluster) ?? nobody();
  const own = (path: string) => chownSync(path, ids.uid, ids.gid);
  const become = [`--reuid=${ids.uid}`, `--regid=${ids.gid}`, '--clear-groups'];
  const blocked = paths.find((path) => !reaches(ids.uid, path));
  const pass = blocked === undefined ? [] : passAnyFolder;
  const ways: ServerUser[] = [
    { prefix: [setpriv, ...endWithUs, ...become, ...pass, '--'], ids: {}, own },
    { prefix: [setpriv, ...become, ...pass, '--'], ids: {}, own },
  ];
  if (blocked === undefined) ways.push({ prefix: [], ids, own });
  const way = ways.find((one) => runs(one, program));
  if (way !== undefined) return way;
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and user ${ids.uid}, as whom it would run, cannot use ${blocked ?? program}: choose another --data-dir, or run as another user than root.`,
  );
}

function runs({ prefix, ids }: ServerUser, program: string): boolean {
  const [command = program, ...rest] = [...prefix, program, '--version'];
  if (command === '') return false;
  const { status } = spawnSync(command, rest, { ...ids, cwd: '/', stdio: 'ignore', timeout: tryMsMax });
  return status === 0;
}

function ownerOf(cluster: string): Ids | null {
  const found = statSync(cluster, { throwIfNoEntry: false });
  return found === undefined || found.uid === 0 ? null : { uid: found.uid, gid: found.gid };
}

/** initdb wants a user that has a name. */
function nobody(): Ids {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) {
    throw new EmbeddedPostgresError(
      'PostgreSQL does not run as root, and this machine has no user "nobody": run as another user than root.',
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}

function reaches(uid: number, path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const found = statSync(folder);
    const mayEnter = found.uid === uid ? 0o100 : 0o001;
    if ((found.mode & mayEnter) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
