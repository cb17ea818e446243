import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const installMsMax = 300_000;
let installing: Promise<unknown> = Promise.resolve();

/** Where a program is, besides PATH also in the folders of servers; null where it is nowhere. */
export function findProgram(name: string, alsoIn: readonly string[] = []): string | null {
  const folders = [...alsoIn, ...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const folder of folders) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not there.
    }
  }
  return null;
}

/** True as root on Debian or Ubuntu, such as in a container or on a CI machine: only there packages are installed. */
export function mayInstall(): boolean {
  try {
    return (
      process.getuid?.() === 0 &&
      /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
    );
  } catch {
    return false;
  }
}

/** Installs a package of the distribution, without questions, and without starting what is in it. */
export async function installPackage(name: string): Promise<void> {
  const own = installing.then(async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    console.log(`Installing ${name} of the distribution for the tests …`);
    await run('apt-get', ['update', '-qq'], { env, timeout: installMsMax });
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], {
      env,
      timeout: installMsMax,
      maxBuffer: 64 * 1024 * 1024,
    });
  });
  installing = own.catch(() => undefined);
  await own;
}
