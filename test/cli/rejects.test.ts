import { access, readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type RejectedRow, rejectedRow } from '../../src/cli/input/input-row.ts';
import { createRejectsFile } from '../../src/cli/rejects.ts';
import { temporaryFolder } from './temporary-folder.ts';

const rejected = (line: number): RejectedRow =>
  rejectedRow({ row: line - 1, line, lineCount: 1, raw: `raw\n${line}` }, 'It is wrong: correct it.');

test('rejected rows stand in a file of JSON lines named after the input', async () => {
  const dataDir = await temporaryFolder();
  const rejects = createRejectsFile({ dataDir, inputName: 'folder/tracks.csv' });
  const lines = Array.from({ length: 3000 }, (_, at) => at + 2);
  for (const line of lines) await rejects.add(rejected(line));
  const path = await rejects.close();
  expect(path).toBe(rejects.path);
  expect(await readdir(dataDir)).toEqual(['tracks.csv.rejects.jsonl']);
  const written = (await readFile(rejects.path, 'utf8')).trimEnd().split('\n');
  expect(written.map((text) => JSON.parse(text))).toEqual(
    lines.map((line) => ({ line, reason: 'It is wrong: correct it.', raw: `raw\n${line}` })),
  );
});

test('a run replaces the rejects of the run before, and takes them away where it has none', async () => {
  const dataDir = await temporaryFolder();
  for (const line of [2, 3]) {
    const rejects = createRejectsFile({ dataDir, inputName: 'tracks.csv' });
    await rejects.add(rejected(line));
    await rejects.close();
    expect(JSON.parse(await readFile(rejects.path, 'utf8'))).toMatchObject({ line });
  }
  const clean = createRejectsFile({ dataDir, inputName: 'tracks.csv' });
  expect(await clean.close()).toBeNull();
  await expect(access(clean.path)).rejects.toThrow();
});

test('a folder that cannot be written is known with the first rejected row', async () => {
  const rejects = createRejectsFile({ dataDir: '/nowhere/at/all', inputName: 'tracks.csv' });
  await expect(rejects.add(rejected(2))).rejects.toMatchObject({ code: 'ENOENT' });
});
