import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCli } from '../support/cli.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

let folder = '';
let database: FreshDatabase;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'enrichment-e2e-'));
  database = await freshDatabase();
  const rows = Array.from({ length: 20 }, (_, n) => `t${n},Band ${n % 3},Song number ${n}`);
  writeFileSync(join(folder, 'tracks.csv'), `track_id,artist,title\n${rows.join('\n')}\n`);
  const run = await startCli(['run', join(folder, 'tracks.csv'), ...simulated, '--data-dir', here()]).ended;
  expect(run.code, run.stderr).toBe(0);
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

const simulated = ['--simulate', '--lift-rates', '--sim-unknown', '0'];
const here = () => join(folder, 'data');
const elsewhere = () => ({ environment: { LEDGER_URL: database.url } });

describe('the ledger commands', () => {
  it('move every event to another ledger and back, with ids, revisions and order, and may be repeated', async () => {
    const [first, second] = [join(folder, 'one.jsonl'), join(folder, 'two.jsonl')];
    const exported = await startCli(['ledger', 'export', first, '--data-dir', here()]).ended;
    expect(exported).toMatchObject({ code: 0, stdout: '' });
    const imported = await startCli(['ledger', 'import', first], elsewhere()).ended;
    expect(imported.stderr).toMatch(/events of 20 streams imported/);
    expect((await startCli(['ledger', 'import', first], elsewhere()).ended).stderr).toBe(imported.stderr);
    await startCli(['ledger', 'export', second], elsewhere()).ended;
    expect(readFileSync(second, 'utf8')).toBe(readFileSync(first, 'utf8'));
    const back = await startCli(['ledger', 'import', second, '--data-dir', join(folder, 'back')]).ended;
    expect(back.code, back.stderr).toBe(0);
    const show = await startCli(['track', 'show', 't3', '--json', '--data-dir', join(folder, 'back')]).ended;
    const original = await startCli(['track', 'show', 't3', '--json', '--data-dir', here()]).ended;
    expect(show.stdout).toBe(original.stdout);
  }, 60_000);

  it('read a stream either way, and count what is there', async () => {
    const read = (...args: string[]) =>
      startCli(['ledger', 'read', 'track-t1', '--json', '--data-dir', here(), ...args]).ended;
    const events = (await read()).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ revision }) => revision)).toEqual(events.map((_, at) => at));
    const [last] = (await read('--backwards', '--limit', '1')).stdout.trim().split('\n');
    expect(JSON.parse(last ?? '')).toEqual(events.at(-1));
    const stats = await startCli(['ledger', 'stats', '--json', '--data-dir', here()]).ended;
    expect(JSON.parse(stats.stdout)).toMatchObject({
      streams: 20,
      by_type: { TaskReceived: 20, Enriched: 20 },
    });
    const missing = await startCli(['ledger', 'read', 'track-nobody', '--data-dir', here()]).ended;
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toMatch(/^There is no stream "track-nobody": /);
  }, 60_000);

  it('follow it live until they are stopped', async () => {
    const tail = startCli(['ledger', 'tail', '--all', '--json'], elsewhere());
    await tail.said('"track-t0"');
    const id = '11111111-1111-4111-8111-111111111111';
    const line = { stream: 'track-new', revision: 0, id, type: 'Happened', data: {}, metadata: {} };
    writeFileSync(join(folder, 'new.jsonl'), `${JSON.stringify(line)}\n`);
    await startCli(['ledger', 'import', join(folder, 'new.jsonl')], elsewhere()).ended;
    await tail.said(id);
    tail.child.kill('SIGINT');
    expect((await tail.ended).code).toBe(0);
  }, 60_000);

  it.each([
    ['no JSON', 'nonsense', /line 1 is no JSON/],
    ['no event', '{"stream":"a"}', /line 1: revision cannot be used/],
  ])(
    'refuse a file with %s in one sentence that names the line',
    async (_, text, said) => {
      writeFileSync(join(folder, 'bad.jsonl'), `${text}\n`);
      const { code, stderr } = await startCli(['ledger', 'import', join(folder, 'bad.jsonl')], elsewhere())
        .ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(said);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    },
    60_000,
  );
});

describe('a run whose ledger is elsewhere', () => {
  it('does its work there, and its data folder belongs to that ledger from then on', async () => {
    const own = await freshDatabase();
    const dataDir = ['--data-dir', join(folder, 'readmodels')];
    const there = { environment: { LEDGER_URL: own.url } };
    const args = ['run', join(folder, 'tracks.csv'), ...simulated, '--json', ...dataDir];
    const run = await startCli(args, there).ended;
    expect(JSON.parse(run.stdout)).toMatchObject({ enriched: 20 });
    const [row] = await own.query('SELECT count(DISTINCT stream)::int AS streams FROM ledger.events');
    expect(row?.streams).toBe(20);
    expect((await startCli(['track', 'show', 't1', ...dataDir], there).ended).stdout).toContain(
      'Song number 1',
    );
    const mixed = await startCli(args).ended;
    expect(mixed.code).toBe(1);
    expect(mixed.stderr).toMatch(/^The data folder .* belongs to another ledger .*LEDGER_URL\.\n$/);
    await own.drop();
  }, 60_000);
});

describe('the doctor', () => {
  it('says what it found, and fails where something is not as it has to be', async () => {
    const well = await startCli(['doctor'], elsewhere()).ended;
    expect(well.code, well.stdout).toBe(0);
    expect(well.stdout).toMatch(/^ok +ledger +PostgreSQL \d+.*, at LEDGER_URL$/m);
    const nowhere = { environment: { LEDGER_URL: 'esdb://127.0.0.1:1?tls=false' } };
    const ill = await startCli(['doctor'], nowhere).ended;
    expect(ill.code).toBe(1);
    expect(ill.stdout).toMatch(/^NO +ledger +Nothing listens at the address in LEDGER_URL/m);
  }, 60_000);
});
