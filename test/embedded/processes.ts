import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

const running = new Set<ChildProcess>();

export interface Script {
  readonly child: ChildProcess;
  /** The next line that it prints. */
  line(): Promise<string>;
}

/** Starts a script of this folder in a Node process of its own. */
export function startScript(name: string, args: readonly string[], options: SpawnOptions = {}): Script {
  const script = resolve(import.meta.dirname, name);
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    cwd: resolve(import.meta.dirname, '../..'),
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, line: async () => String((await lines.next()).value) };
}

export interface Holder extends Script {
  /** What it printed when it had opened the folder, or failed to. */
  readonly said: { readonly url?: string; readonly pid?: number; readonly error?: string };
}

/** A Node process that holds a data folder. */
export async function holdFolder(dataDir: string, options: SpawnOptions = {}): Promise<Holder> {
  const script = startScript('holder.ts', [dataDir], options);
  return { ...script, said: JSON.parse(await script.line()) };
}

export async function killHard({ child }: Script): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** For `afterEach`: leaves no process behind where a test failed. */
export async function killAll(): Promise<void> {
  for (const child of running) await killHard({ child, line: async () => '' });
}
