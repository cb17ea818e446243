import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCli } from '../support/cli.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'enrichment-e2e-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function runArgs(file: string): string[] {
  return ['run', file, '--simulate', '--lift-rates', '--json', '--data-dir', join(folder, 'data')];
}

function tracks(count: number): string {
  const rows = Array.from({ length: count }, (_, n) => `Band ${n % 7},Song number ${n},,${180_000 + n}`);
  const file = join(folder, 'tracks.csv');
  writeFileSync(file, `artist,title,isrc,duration_ms\n${rows.join('\n')}\n`);
  return file;
}

async function historyTypes(id: string): Promise<string[]> {
  const { stdout } = await startCli(['track', 'history', id, '--json', '--data-dir', join(folder, 'data')])
    .ended;
  return stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { type: string }).type);
}

describe('run', () => {
  it('enriches every track, and the same command again does nothing twice', async () => {
    const file = tracks(60);
    const first = await startCli([...runArgs(file), '--sim-unknown', '0']).ended;
    expect(first.stderr).not.toContain('broke its rate');
    expect(JSON.parse(first.stdout)).toMatchObject({ rows: 60, enriched: 60, failed: 0, interrupted: false });
    expect(first.code).toBe(0);
    const second = await startCli([...runArgs(file), '--sim-unknown', '0']).ended;
    const summary = JSON.parse(second.stdout) as { calls: Record<string, { calls: number }> };
    expect(summary).toMatchObject({ rows: 60, enriched: 0, skipped_finished: 60 });
    expect(Object.values(summary.calls).map(({ calls }) => calls)).toEqual([0, 0, 0]);
  }, 60_000);

  it('completes the file after a kill -9, with no track lost and none done twice', async () => {
    const file = join(folder, 'tracks.csv');
    const rows = Array.from({ length: 400 }, (_, n) => `t${n},Band ${n % 7},Song number ${n}`);
    writeFileSync(file, `track_id,artist,title\n${rows.join('\n')}\n`);
    const { child, ended } = startCli([
      ...runArgs(file),
      '--sim-unknown',
      '0',
      '--concurrency',
      '8',
      '--sim-latency',
      '40',
    ]);
    await sleep(3500);
    child.kill('SIGKILL');
    expect((await ended).stdout).toBe('');
    const { code, stdout } = await startCli([...runArgs(file), '--sim-unknown', '0']).ended;
    const summary = JSON.parse(stdout) as { enriched: number; skipped_finished: number };
    expect(code).toBe(0);
    expect(summary.enriched + summary.skipped_finished).toBe(400);
    for (const id of ['t0', 't40', 't399']) {
      expect((await historyTypes(id)).filter((type) => type === 'Enriched')).toHaveLength(1);
    }
  }, 90_000);

  it('reports a bad row with its line, works off the rest and exits with 3', async () => {
    const file = join(folder, 'bad.csv');
    writeFileSync(file, 'artist,title\nGood Band,Good Song\n,No Artist\nOther Band,Other Song\n');
    const { code, stdout } = await startCli([...runArgs(file), '--sim-unknown', '0']).ended;
    expect(JSON.parse(stdout)).toMatchObject({ rows: 2, enriched: 2, rejected: 1 });
    expect(code).toBe(3);
  }, 60_000);

  it('says in one sentence what is wrong with its arguments, and exits with 1 or 2', async () => {
    const missing = await startCli([...runArgs(join(folder, 'nowhere.csv'))]).ended;
    expect(missing.code).toBe(1);
    expect(missing.stderr.trim().split('\n')).toHaveLength(1);
    const usage = await startCli(['run', '--concurrency', 'many', 'x.csv']).ended;
    expect(usage.code).toBe(2);
    const noProvider = await startCli(['run', tracks(1), '--data-dir', join(folder, 'data')]).ended;
    expect(noProvider.code).toBe(1);
    expect(noProvider.stderr).toContain('MUSICBRAINZ_USER_AGENT');
  }, 60_000);
});
