import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './code.ts';

/** Installs what the worker is measured beside, exactly as its lockfile has it, in a folder of its own. */
export function installPeers(): void {
  const folder = join(root, 'bench/peers');
  if (existsSync(join(folder, 'node_modules/bullmq'))) return;
  console.log('Installing BullMQ in bench/peers …');
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: 'inherit',
  });
}
