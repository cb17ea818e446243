import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { rejectedRow } from '../../src/cli/input/input-row.ts';
import { spoolStdin } from '../../src/cli/input/spool-stdin.ts';
import { createRejectsFile } from '../../src/cli/rejects.ts';
import { explainError } from '../../src/cli/user-error.ts';

const diskBytes = 1024 * 1024;
const disk = smallDisk();

/** A file system of `diskBytes`; null where this machine lets us make none. */
function smallDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'enrichment-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    rmdirSync(folder);
    return null;
  }
}

afterAll(() => {
  if (disk === null) return;
  execFileSync('umount', [disk]);
  rmdirSync(disk);
});

describe.skipIf(disk === null)('on a full disk (skipped where no small file system can be mounted)', () => {
  const folder = disk ?? '';

  test('spooling ends with one sentence and gives the space back', async () => {
    async function* tooMuch() {
      for (let n = 0; n < 40; n++) yield Buffer.alloc(64 * 1024, 'x');
    }
    const said = await spoolStdin(tooMuch(), folder).then(String, explainError);
    expect(said).toMatch(/^The disk is full at ".*": free some space/);
    expect(await readdir(join(folder, 'input'))).toEqual([]);
  });

  test('the rejects file ends with one sentence', async () => {
    const rejects = createRejectsFile({ dataDir: folder, inputName: 'tracks.csv' });
    const row = rejectedRow({ row: 1, line: 2, lineCount: 1, raw: 'x'.repeat(2000) }, 'Wrong.');
    const fill = async () => {
      for (let n = 0; n < 2000; n++) await rejects.add(row);
    };
    expect(await fill().then(String, explainError)).toMatch(/^The disk is full at ".*tracks\.csv\.rejects/);
    await rejects.close().catch(() => null);
  });
});
