import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryFlags, moduleArguments, root } from './code.ts';
import type { Servers } from './servers.ts';

/** A process under measurement. Its log goes to a file, so that nobody spends time on reading it. */
export interface Child {
  readonly pid: number;
  /** Throws what the log ends with, where the process has ended. */
  mustRun(): void;
  /** Resolves when the log holds this text. */
  said(text: string): Promise<void>;
  /** SIGTERM, and waits for its end. */
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
const sayMsMax = 60_000;
let started = 0;

/** Ends at once what was not stopped. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** @param args of node: flags, the module and its arguments */
export function startChild(
  { folder, environment }: Servers,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Child {
  const log = join(folder, `child-${started++}.log`);
  const output = openSync(log, 'a');
  // Without what the shell set for others, such as a log level.
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', output, output],
    env: { PATH, HOME, ...environment, ...more },
  });
  closeSync(output);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return {
    pid: child.pid ?? 0,
    mustRun() {
      if (child.exitCode === null && child.signalCode === null) return;
      throw new Error(`A process has ended:\n${readFileSync(log, 'utf8').slice(-2000)}`);
    },
    async said(text) {
      const deadlineMs = performance.now() + sayMsMax;
      while (!readFileSync(log, 'utf8').includes(text)) {
        if (child.exitCode !== null || performance.now() > deadlineMs) {
          throw new Error(`A process did not say "${text}":\n${readFileSync(log, 'utf8').slice(-2000)}`);
        }
        await sleep(50);
      }
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** `cli worker`; or another module in its place. */
export async function startWorker(
  servers: Servers,
  options: {
    readonly prefetch: number;
    readonly module?: string;
    readonly args?: readonly string[];
    readonly nodeFlags?: readonly string[];
    readonly more?: Readonly<Record<string, string>>;
  },
): Promise<Child> {
  const { prefetch, module = 'src/cli/main.ts', args = [], nodeFlags = [], more = {} } = options;
  const child = startChild(
    servers,
    [...memoryFlags(), ...nodeFlags, ...moduleArguments(module), 'worker', ...args],
    { ENRICHMENT_PREFETCH_COUNT: String(prefetch), ...more },
  );
  await child.said('is running');
  return child;
}
