/** A process that tries to take every folder below its first argument from a given time on, and says which it got. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockFolder } from '../../src/embedded/folder-lock.ts';

const roundMs = 15;
const [, , base = '', startAt = '0'] = process.argv;
const won: string[] = [];
const folders = readdirSync(base).sort();
for (const [round, name] of folders.entries()) {
  await sleep(Math.max(0, Number(startAt) + round * roundMs - Date.now()));
  await lockFolder(join(base, name)).then(
    () => won.push(basename(name)),
    () => undefined,
  );
}
console.log(JSON.stringify(won));
// A lock holds only as long as its process.
setInterval(() => undefined, 1000);
