import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Standard output and standard error so far. */
  output(): string;
  /** Resolves once standard output and standard error together hold the text. */
  said(text: string): Promise<void>;
}

/** Starts a module of this project in a process of its own. */
export function startModule(
  module: string,
  args: readonly string[],
  options: { readonly environment?: Readonly<Record<string, string>>; readonly stdin?: string } = {},
): Started {
  const child = spawn(process.execPath, ['--import', 'tsx', module, ...args], {
    cwd: root,
    env: { ...process.env, ...options.environment },
  });
  child.stdin.on('error', () => undefined).end(options.stdin ?? '');
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }) as Ended);
  return {
    child,
    ended,
    output: () => stdout + stderr,
    said: (text) =>
      new Promise((done, failed) => {
        const forget = () => {
          child.stdout.off('data', look);
          child.stderr.off('data', look);
        };
        const look = () => {
          if (!stdout.includes(text) && !stderr.includes(text)) return;
          forget();
          done();
        };
        child.stdout.on('data', look);
        child.stderr.on('data', look);
        look();
        void ended.then(() => failed(new Error(`It ended without saying "${text}":\n${stdout}${stderr}`)));
      }),
  };
}

/** Starts the command-line tool as a user would. */
export function startCli(args: readonly string[], options?: Parameters<typeof startModule>[2]): Started {
  return startModule('src/cli/main.ts', args, options);
}
