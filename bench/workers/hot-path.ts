import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drain } from './drain.ts';
import { flags } from './flags.ts';
import type { Servers } from './servers.ts';
import { startOurs } from './sides.ts';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const functionsShown = 25;
const drains = 3;

/** Where a worker's processor time goes: by package or folder, and the functions that take most by themselves. */
export async function hotPath(servers: Servers): Promise<void> {
  const folder = join(servers.folder, 'profile');
  const side = await startOurs(servers, { nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${folder}`] });
  for (let n = 0; n < drains; n++) await drain(side, flags.tasks);
  await side.stop();
  const [file = ''] = readdirSync(folder).sort((a, b) => sizeOf(folder, b) - sizeOf(folder, a));
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile;
  const selfMicros = new Map<number, number>();
  for (const [n, id] of samples.entries()) {
    selfMicros.set(id, (selfMicros.get(id) ?? 0) + Math.max(0, timeDeltas[n] ?? 0));
  }
  const byPlace = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let busy = 0;
  for (const { id, callFrame } of nodes) {
    const { functionName: name, url, lineNumber } = callFrame;
    const micros = selfMicros.get(id) ?? 0;
    if (name === '(idle)' || micros === 0) continue;
    busy += micros;
    const place = placeOf(name, url);
    add(byPlace, place, micros);
    add(byFunction, `${name || '(anonymous)'} ${place}:${lineNumber + 1}`, micros);
  }
  const share = (micros: number) => `${((100 * micros) / busy).toFixed(1).padStart(5)} %`;
  const perTask = (micros: number) => `${(micros / (drains * flags.tasks)).toFixed(1).padStart(6)} µs`;
  console.log(`where a worker's time goes, sampled, start and warming up included`);
  const print = (of: ReadonlyMap<string, number>, most: number) => {
    const sorted = [...of].sort(([, a], [, b]) => b - a).slice(0, most);
    for (const [what, micros] of sorted) console.log(`  ${share(micros)} ${perTask(micros)}  ${what}`);
    console.log();
  };
  print(byPlace, functionsShown);
  print(byFunction, functionsShown);
}

function placeOf(name: string, url: string): string {
  if (url === '') return name.startsWith('(') ? name : '(native)';
  const inPackage = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (inPackage !== undefined) return inPackage;
  return /\/src\/(.*)$/.exec(url)?.[1] ?? url;
}

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value);
}

function sizeOf(folder: string, file: string): number {
  return readFileSync(join(folder, file)).length;
}
