import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './code.ts';
import { drain } from './drain.ts';
import { flags } from './flags.ts';
import type { Servers } from './servers.ts';
import { startBare, startOurs } from './sides.ts';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const shown = 25;
const drains = 3;

/**
 * Where the processor time of a worker, and of the bare loop, goes: by package or file, and the functions that take most
 * by themselves. Sampled, with start and warming up. The profiles stay in bench/results/profiles.
 */
export async function hotPath(servers: Servers): Promise<void> {
  const folderOf = (name: string) => join(root, 'bench/results/profiles', name);
  rmSync(folderOf(''), { recursive: true, force: true });
  const nodeFlags = (name: string) => ['--cpu-prof', `--cpu-prof-dir=${folderOf(name)}`];
  const sides = {
    worker: await startOurs(servers, { nodeFlags: nodeFlags('worker') }),
    bare: await startBare(servers, { nodeFlags: nodeFlags('bare') }),
  };
  for (let n = 0; n < drains; n++) for (const side of Object.values(sides)) await drain(side, flags.tasks);
  for (const [name, side] of Object.entries(sides)) {
    await side.stop();
    console.log(`${side.name}: µs a task`);
    const folder = folderOf(name);
    const [file = ''] = readdirSync(folder).sort((a, b) => sizeOf(folder, b) - sizeOf(folder, a));
    show(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile);
  }
}

function show({ nodes, samples, timeDeltas }: Profile): void {
  const selfMicros = new Map<number, number>();
  for (const [n, id] of samples.entries()) add(selfMicros, id, Math.max(0, timeDeltas[n] ?? 0));
  const byPlace = new Map<string, number>();
  const byFunction = new Map<string, number>();
  for (const { id, callFrame } of nodes) {
    const { functionName: name, url, lineNumber } = callFrame;
    const micros = selfMicros.get(id) ?? 0;
    if (name === '(idle)' || micros === 0) continue;
    const place = placeOf(name, url);
    add(byPlace, 'all together', micros);
    add(byPlace, place, micros);
    add(byFunction, `${name || '(anonymous)'} ${place}:${lineNumber + 1}`, micros);
  }
  for (const sums of [byPlace, byFunction]) {
    const sorted = [...sums].sort(([, a], [, b]) => b - a).slice(0, shown);
    for (const [what, micros] of sorted) {
      console.log(`${(micros / (drains * flags.tasks)).toFixed(1).padStart(8)}  ${what}`);
    }
    console.log();
  }
}

function placeOf(name: string, url: string): string {
  if (url === '') return name.startsWith('(') ? name : '(native)';
  const inPackage = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (inPackage !== undefined) return inPackage;
  return /\/src\/(.*)$/.exec(url)?.[1] ?? url;
}

function add<Key>(sums: Map<Key, number>, key: Key, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value);
}

function sizeOf(folder: string, file: string): number {
  return readFileSync(join(folder, file)).length;
}
