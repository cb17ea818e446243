import { chownSync, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EmbeddedPostgresError } from './binaries.ts';

/** How to start a program that refuses to run as root: a prefix of its command line, and whose it shall be. */
export interface ServerUser {
  readonly prefix: readonly string[];
  readonly ids: { readonly uid: number; readonly gid: number } | Record<string, never>;
  /** Makes the server's user the owner of a path. */
  own(path: string): void;
}

const worldTraversable = 0o001;
const setprivPaths = ['/usr/bin/setpriv', '/bin/setpriv'];

/**
 * PostgreSQL refuses root, so as root it runs as `nobody`. Where that user cannot reach the paths, below a home of
 * mode 0700 say, it keeps the one capability that lets it pass through them.
 *
 * @throws EmbeddedPostgresError
 */
export function serverUser(paths: readonly string[]): ServerUser {
  if (process.getuid?.() !== 0) return { prefix: [], ids: {}, own: () => undefined };
  const ids = nobody();
  const own = (path: string) => chownSync(path, ids.uid, ids.gid);
  const blocked = paths.find((path) => !reachable(path));
  if (blocked === undefined) return { prefix: [], ids, own };
  const setpriv = setprivPaths.find((path) => existsSync(path));
  if (setpriv === undefined) {
    throw new EmbeddedPostgresError(
      `PostgreSQL does not run as root, and the user "nobody" cannot reach ${blocked}: choose another --data-dir, or run as another user.`,
    );
  }
  const user = [`--reuid=${ids.uid}`, `--regid=${ids.gid}`, '--clear-groups'];
  const keep = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--'];
  return { prefix: [setpriv, ...user, ...keep], ids: {}, own };
}

function nobody(): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) {
    throw new EmbeddedPostgresError(
      'PostgreSQL does not run as root, and there is no user "nobody": run as another user.',
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}

function reachable(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & worldTraversable) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
