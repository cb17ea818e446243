import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCli } from '../support/cli.ts';

let folder = '';
let file = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'enrichment-e2e-'));
  file = join(folder, 'tracks.csv');
  const rows = Array.from({ length: 3000 }, (_, n) => `Band ${n % 9},Song number ${n}`);
  writeFileSync(file, `artist,title\n${rows.join('\n')}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const simulated = ['--simulate', '--lift-rates'];

describe('what stands in the way is said in one sentence', () => {
  it('a data folder that another process uses', async () => {
    const args = ['run', file, ...simulated, '--data-dir', join(folder, 'data')];
    const first = startCli([...args, '--sim-latency', '2000']);
    await first.said(' of 3,000');
    const second = await startCli(args).ended;
    expect(second.code).toBe(1);
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    expect(second.stderr).toMatch(/in use by process \d+/);
    first.child.kill('SIGKILL');
    await first.ended;
  }, 60_000);

  it('a port that is taken', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const { code, stderr } = await startCli(['simulate', '--catalogue', file, '--port', String(port)]).ended;
    server.close();
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `Port ${port} is in use: choose another with --port, or 0 for any.\n`,
    });
  }, 60_000);

  it('a track that nobody knows, a data folder that is not there', async () => {
    const nowhere = await startCli(['track', 'show', 'x', '--data-dir', join(folder, 'nowhere')]).ended;
    expect(nowhere).toMatchObject({ code: 1, stdout: '' });
    expect(nowhere.stderr).toMatch(/^There is no data folder ".*nowhere": .*\n$/);
  }, 60_000);

  it('a setting that makes no sense', async () => {
    const { code, stderr } = await startCli(['run', file, ...simulated], {
      environment: { SPOTIFY_RATE_PER_SECOND: 'fast' },
    }).ended;
    expect(code).toBe(2);
    expect(stderr).toContain('SPOTIFY_RATE_PER_SECOND');
  }, 60_000);
});

const disk = smallDisk();

/** A file system on which a database begins and cannot grow; null where this machine lets us make none. */
function smallDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'enrichment-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=56m', 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    rmdirSync(folder);
    return null;
  }
}

describe.skipIf(disk === null)('on a full disk (skipped where no small file system can be mounted)', () => {
  afterAll(() => {
    execFileSync('umount', [disk ?? '']);
    rmdirSync(disk ?? '');
  });

  it('a run ends with one sentence, and goes on where it stopped once there is space', async () => {
    const args = ['run', file, ...simulated, '--json', '--data-dir', join(disk ?? '', 'data')];
    const { code, stdout, stderr } = await startCli(args).ended;
    expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' });
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      /^The disk of the data folder .* is full: free some space/,
    );
    execFileSync('mount', ['-o', 'remount,size=400m', disk ?? '']);
    const whole = await startCli(args).ended;
    const { rows, unfinished = 0, skipped_finished: before } = JSON.parse(whole.stdout);
    expect({ code: whole.code, rows, unfinished }).toEqual({ code: 0, rows: 3000, unfinished: 0 });
    expect(before).toBeGreaterThan(0);
  }, 120_000);
});
