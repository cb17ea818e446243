import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFolder } from '../../src/embedded/folder-lock.ts';
import { processBegan } from '../../src/embedded/process-identity.ts';
import { killAll, startScript } from './processes.ts';

let dataDir = '';
const lock = () => join(dataDir, 'lock');

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'folder-lock-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

/** The number of a process that ended a moment ago. */
function deadPid(): number {
  return spawnSync('true').pid;
}

describe('the lock of a data folder', () => {
  it('is held once, and free again afterwards', async () => {
    const unlock = await lockFolder(dataDir);
    await expect(lockFolder(dataDir)).rejects.toThrow(
      `The data folder ${dataDir} is in use by process ${process.pid}: wait for it or stop it, or name another folder with --data-dir.`,
    );
    unlock();
    unlock();
    expect(readdirSync(dataDir)).toEqual([]);
    (await lockFolder(dataDir))();
  });

  it.each([
    ['of a process that is gone', () => JSON.stringify({ pid: deadPid(), began: null })],
    [
      'of a process whose number another has now',
      () => JSON.stringify({ pid: process.pid, began: 'before' }),
    ],
    ['that a power cut left empty', () => ''],
    ['that is no lock', () => '17'],
  ])('is taken over from a lock %s', async (_, text) => {
    writeFileSync(lock(), text());
    const unlock = await lockFolder(dataDir);
    expect(JSON.parse(readFileSync(lock(), 'utf8'))).toEqual({
      pid: process.pid,
      began: processBegan(process.pid),
    });
    unlock();
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('is respected where it cannot be told when its process began', async () => {
    writeFileSync(lock(), JSON.stringify({ pid: process.pid, began: null }));
    await expect(lockFolder(dataDir)).rejects.toThrow('in use by process');
  });

  it('goes to exactly one of several processes that find it stale at the same time', async () => {
    const rounds = Array.from({ length: 40 }, (_, round) => join(dataDir, String(round)));
    for (const folder of rounds) {
      mkdirSync(folder);
      writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: deadPid(), began: null }));
    }
    const racers = Array.from({ length: 4 }, () =>
      startScript('racer.ts', [dataDir, String(Date.now() + 1500)]),
    );
    const won = await Promise.all(racers.map(async (racer) => JSON.parse(await racer.line()) as string[]));
    await killAll();
    expect(won.flat().sort()).toEqual(rounds.map((folder) => basename(folder)).sort());
  });

  it('is not given back by one who no longer holds it', async () => {
    const unlock = await lockFolder(dataDir);
    writeFileSync(lock(), 'of another');
    unlock();
    expect(readFileSync(lock(), 'utf8')).toBe('of another');
  });
});
