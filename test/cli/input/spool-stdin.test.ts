import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeSpool, spoolStdin } from '../../../src/cli/input/spool-stdin.ts';
import { temporaryFolder } from '../temporary-folder.ts';

async function* piped(...chunks: readonly string[]) {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

test('what is piped in stands in the data folder as it was', async () => {
  const dataDir = await temporaryFolder();
  const spool = await spoolStdin(piped('artist,', 'title\na,b\n'), dataDir);
  expect(spool.path.startsWith(dataDir)).toBe(true);
  expect(await readFile(spool.path, 'utf8')).toBe('artist,title\na,b\n');
  expect(spool.bytes).toBe(17);
});

test('the same content is the same file, other content another', async () => {
  const dataDir = await temporaryFolder();
  const first = await spoolStdin(piped('a', 'b'), dataDir);
  expect(await spoolStdin(piped('ab'), dataDir)).toEqual(first);
  expect((await spoolStdin(piped('ac'), dataDir)).path).not.toBe(first.path);
  expect(await readdir(join(dataDir, 'input'))).toHaveLength(2);
});

test('a spool that a killed process left half-written is thrown away', async () => {
  const dataDir = await temporaryFolder();
  const { path } = await spoolStdin(piped('ab'), dataDir);
  // No process has this number: it is above what any system hands out.
  await writeFile(join(dataDir, 'input', 'stdin-999999999.part'), 'a');
  await spoolStdin(piped('ab'), dataDir);
  expect(await readdir(join(dataDir, 'input'))).toEqual([path.split('/').at(-1)]);
});

test('a pipe that breaks leaves nothing behind', async () => {
  const dataDir = await temporaryFolder();
  async function* broken() {
    yield Buffer.from('a');
    throw new Error('the pipe broke');
  }
  await expect(spoolStdin(broken(), dataDir)).rejects.toThrow('the pipe broke');
  expect(await readdir(join(dataDir, 'input'))).toEqual([]);
});

test('stopping while it is read leaves nothing behind', async () => {
  const dataDir = await temporaryFolder();
  await expect(spoolStdin(piped('a'), dataDir, { signal: AbortSignal.abort() })).rejects.toThrow();
  expect(await readdir(join(dataDir, 'input'))).toEqual([]);
});

test('a terminal is no pipe: wrong usage instead of waiting for ever', async () => {
  const stdin = Object.assign(piped(), { isTTY: true });
  await expect(spoolStdin(stdin, await temporaryFolder())).rejects.toMatchObject({ exitCode: 2 });
});

test('a spool that is done can be removed', async () => {
  const dataDir = await temporaryFolder();
  await removeSpool(await spoolStdin(piped('ab'), dataDir));
  expect(await readdir(join(dataDir, 'input'))).toEqual([]);
});
