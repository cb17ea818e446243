import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCli } from '../support/cli.ts';
import { type StandIn, startStandIn } from '../support/eventstoredb/server.ts';

let folder = '';
let server: StandIn;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'enrichment-e2e-'));
  server = await startStandIn();
  const rows = Array.from({ length: 20 }, (_, n) => `t${n},Band ${n % 3},Song number ${n}`);
  writeFileSync(join(folder, 'tracks.csv'), `track_id,artist,title\n${rows.join('\n')}\n`);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const simulated = ['--simulate', '--lift-rates', '--sim-unknown', '0'];
const there = () => ({ environment: { LEDGER_URL: server.url } });
const data = (name: string) => ['--data-dir', join(folder, name)];

describe('the tool with LEDGER_URL=esdb://…', () => {
  it('runs a file, and every fact is in EventStoreDB', async () => {
    const run = await startCli(['run', join(folder, 'tracks.csv'), ...simulated, ...data('one')], there())
      .ended;
    expect(run.code, run.stderr).toBe(0);
    expect(server.database.log.filter(({ type }) => type === 'Enriched')).toHaveLength(20);
    const show = await startCli(['track', 'show', 't3', ...data('one')], there()).ended;
    expect(show.stdout).toContain('Song number 3');
  }, 60_000);

  it('moves what is there to the embedded ledger, with ids, order and revisions', async () => {
    const [from, back] = [join(folder, 'from.jsonl'), join(folder, 'back.jsonl')];
    const exported = await startCli(['ledger', 'export', from], there()).ended;
    expect(exported.code, exported.stderr).toBe(0);
    const imported = await startCli(['ledger', 'import', from, ...data('two')]).ended;
    expect(imported.stderr).toMatch(/events of 20 streams imported/);
    await startCli(['ledger', 'export', back, ...data('two')]).ended;
    expect(readFileSync(back, 'utf8')).toBe(readFileSync(from, 'utf8'));
  }, 60_000);

  it('takes over an embedded ledger', async () => {
    const other = await startStandIn();
    const [from, back] = [join(folder, 'from.jsonl'), join(folder, 'taken.jsonl')];
    const environment = { environment: { LEDGER_URL: other.url } };
    const imported = await startCli(['ledger', 'import', from], environment).ended;
    expect(imported.code, imported.stderr).toBe(0);
    await startCli(['ledger', 'export', back], environment).ended;
    expect(readFileSync(back, 'utf8')).toBe(readFileSync(from, 'utf8'));
    await other.stop();
  }, 60_000);

  it('doctor tells the version of the server', async () => {
    const doctor = await startCli(['doctor', ...data('one')], there()).ended;
    expect(doctor.stdout + doctor.stderr).toContain('EventStoreDB 23.10.6.0');
  }, 60_000);
});
