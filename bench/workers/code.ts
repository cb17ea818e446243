import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { flags } from './flags.ts';

export const root = resolve(import.meta.dirname, '../..').replace(/\/bench\/results\/built$/, '');
const built = 'bench/results/built';

/** Compiles source and benchmark as `npm run build` does: what containers run, without tsx and what it costs. */
export function buildCode(): void {
  if (flags.fromSource) return;
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'bench/tsconfig.json'], {
    cwd: root,
    stdio: 'inherit',
  });
}

/** Arguments of node that run a module of the project, such as `src/cli/main.ts`, as it is measured. */
export function moduleArguments(path: string): readonly string[] {
  return flags.fromSource ? ['--import', 'tsx', path] : [join(built, path.replace(/\.ts$/, '.js'))];
}

/** The bounds on memory that the script `cli` sets. */
export function memoryFlags(): readonly string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly scripts: { readonly cli: string };
  };
  return scripts.cli.split(' ').filter((one) => /^--m(in|ax)-/.test(one));
}
