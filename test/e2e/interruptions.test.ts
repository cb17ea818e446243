import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCli } from '../support/cli.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'enrichment-e2e-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const csv = (rows: number) =>
  `artist,title\n${Array.from({ length: rows }, (_, n) => `Band ${n % 9},Song number ${n}`).join('\n')}\n`;

const simulated = ['--simulate', '--lift-rates', '--sim-unknown', '0'];
const dataDir = () => ['--data-dir', join(folder, 'data')];

describe('a run that is stopped', () => {
  it('finishes what is in flight at Ctrl-C, says how to go on, and the same command does', async () => {
    const file = join(folder, 'tracks.csv');
    writeFileSync(file, csv(300));
    const args = ['run', file, ...simulated, ...dataDir()];
    const run = startCli([...args, '--concurrency', '4', '--sim-latency', '50']);
    await run.said(' of 300, ');
    run.child.kill('SIGINT');
    const stopped = await run.ended;
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toContain('Finishing what is in flight');
    expect(stopped.stdout).toMatch(/^Stopped after .*; nothing is lost\.$/m);
    expect(stopped.stdout).toContain(`enrichment-ledger ${args.join(' ')}`);
    const whole = await startCli([...args, '--json']).ended;
    const { enriched, skipped_finished: before } = JSON.parse(whole.stdout);
    expect(enriched + before).toBe(300);
    expect(before).toBeGreaterThan(0);
    expect(enriched).toBeGreaterThan(0);
  }, 60_000);

  it('keeps what was piped in until all of it is done, and goes on with it after a kill -9', async () => {
    const args = ['run', '-', ...simulated, ...dataDir()];
    const run = startCli([...args, '--concurrency', '4', '--sim-latency', '50'], { stdin: csv(300) });
    await run.said(' of 300, ');
    run.child.kill('SIGKILL');
    expect(await run.ended).toMatchObject({ signal: 'SIGKILL' });
    const [spool = ''] = readdirSync(join(folder, 'data', 'input'));
    const path = join(folder, 'data', 'input', spool);
    expect(readFileSync(path, 'utf8')).toBe(csv(300));
    const whole = await startCli(['run', path, ...simulated, ...dataDir(), '--json']).ended;
    const { enriched, skipped_finished: before } = JSON.parse(whole.stdout);
    expect(enriched + before).toBe(300);
    // The same rows piped in once more are the same tasks, and leave no spool behind.
    const again = await startCli([...args, '--json'], { stdin: csv(300) }).ended;
    expect(JSON.parse(again.stdout)).toMatchObject({ enriched: 0, skipped_finished: 300 });
    expect(readdirSync(join(folder, 'data', 'input'))).toEqual([]);
  }, 60_000);

  it('counts the follow-ups of a slow provider and does them with --wait, breaking no limit', async () => {
    const file = join(folder, 'tracks.csv');
    writeFileSync(file, csv(8));
    const args = ['run', file, '--simulate', '--sim-unknown', '0', '--json', ...dataDir()];
    const fast = { GATE_PATIENCE: '1' };
    const first = await startCli(args, { environment: fast }).ended;
    expect(first.code).toBe(0);
    const { enriched, follow_ups_waiting: waiting } = JSON.parse(first.stdout);
    expect(enriched).toBe(8);
    expect(waiting.musicbrainz.count).toBeGreaterThan(0);
    expect(waiting.musicbrainz.eta_seconds).toBe(waiting.musicbrainz.count);
    const second = await startCli([...args, '--wait'], { environment: fast }).ended;
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({
      skipped_finished: 8,
      follow_ups_done: waiting.musicbrainz.count,
      follow_ups_waiting: { musicbrainz: { count: 0 } },
    });
    expect(`${first.stderr}${second.stderr}`).not.toContain('broke');
  }, 60_000);

  it('makes new tasks with --again', async () => {
    const file = join(folder, 'tracks.csv');
    writeFileSync(file, csv(20));
    const args = ['run', file, ...simulated, '--json', ...dataDir()];
    await startCli(args).ended;
    const again = await startCli([...args, '--again']).ended;
    expect(JSON.parse(again.stdout)).toMatchObject({ enriched: 20, skipped_finished: 0 });
    const found = await startCli(['track', 'find', 'NUMBER', '13', '--json', ...dataDir()]).ended;
    const ids = found.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).track_id);
    expect(ids).toHaveLength(1);
    const history = await startCli(['track', 'history', ids[0], '--json', ...dataDir()]).ended;
    const types = history.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    expect(types.filter((type) => type === 'Enriched')).toHaveLength(2);
  }, 60_000);
});
