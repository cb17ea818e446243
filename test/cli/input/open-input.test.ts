import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { countRowsRoughly } from '../../../src/cli/input/input-source.ts';
import { openInput } from '../../../src/cli/input/open-input.ts';
import { readRows } from '../../../src/cli/input/read-rows.ts';
import { explainError } from '../../../src/cli/user-error.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { collect } from './sources.ts';

test('a file is read where it is, as often as wanted', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'tracks.csv');
  await writeFile(path, 'artist,title\na,b\n');
  const { source, spooled, path: read } = await openInput(path, folder);
  expect({ read, spooled, name: source.name }).toEqual({ read: path, spooled: false, name: 'tracks.csv' });
  expect(await countRowsRoughly(source)).toBe(1);
  expect(await collect(readRows(source))).toHaveLength(1);
  expect(await collect(readRows(source))).toHaveLength(1);
});

test('a named pipe is spooled, so that a killed run can go on with it', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'pipe');
  await promisify(execFile)('mkfifo', [path]);
  const [{ source, spooled }] = await Promise.all([
    openInput(path, folder),
    writeFile(path, 'artist,title\na,b\n'),
  ]);
  expect(spooled).toBe(true);
  expect(await collect(readRows(source))).toHaveLength(1);
});

test('what cannot be opened is one sentence on what to do', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'below'));
  const said = async (name: string) => openInput(join(folder, name), folder).then(String, explainError);
  expect(await said('none.csv')).toMatch(/none\.csv" does not exist: check/);
  expect(await said('below')).toMatch(/is a folder: name a file/);
});

test('leaving the rows early closes the file', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'tracks.csv');
  await writeFile(path, `artist,title\n${'a,b\n'.repeat(100_000)}`);
  const { source } = await openInput(path, folder);
  const before = process.getActiveResourcesInfo().length;
  for await (const row of readRows(source)) {
    expect(row.row).toBe(1);
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before + 1);
});
