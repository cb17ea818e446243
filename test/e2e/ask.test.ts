import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore } from '../../src/app.ts';
import { schemaVersions } from '../../src/domain/events.ts';
import { defaultRules } from '../../src/domain/rules.ts';
import { trackStream } from '../../src/domain/stream-names.ts';
import { redecideAll } from '../../src/redecision/redecide-all.ts';
import { trackVerdicts } from '../../src/redecision/track-verdicts.ts';
import { startCli } from '../support/cli.ts';

const commandsMsMax = 240_000;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'enrichment-ask-'));
  const file = join(folder, 'tracks.csv');
  const rows = Array.from({ length: 12 }, (_, n) => `t${n},Band ${n % 5},Song number ${n},${200_000 + n}`);
  writeFileSync(file, `track_id,artist,title,duration_ms\n${rows.join('\n')}\n`);
  const ran = await cli('run', file, '--simulate', '--lift-rates', '--sim-unknown', '0');
  expect(ran.code).toBe(0);
}, commandsMsMax);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function cli(...args: string[]) {
  return startCli([...args, '--data-dir', join(folder, 'data')]).ended;
}

/** The document that a command prints; of many lines the last one. */
async function json(...args: string[]) {
  const { stdout, stderr, code } = await cli(...args, '--json');
  if (stdout === '') throw new Error(stderr);
  const [last = ''] = stdout.trimEnd().split('\n').slice(-1);
  return { code, document: JSON.parse(last === '}' ? stdout : last) };
}

/** Something of the ledger that no command does. */
async function inLedger(work: (ledger: Awaited<ReturnType<typeof openStore>>['ledger']) => Promise<void>) {
  const store = await openStore({ dataDir: join(folder, 'data'), ledgerUrl: null });
  await work(store.ledger).finally(store.close);
}

it(
  'a track is asked as of then, why, and what changed; a replay of its events is its row',
  async () => {
    const { document: row } = await json('track', 'show', 't1');
    const early = (await json('track', 'show', 't1', '--as-of', '0')).document;
    expect(early).toMatchObject({ track_id: 't1', status: 'pending', spotify_id: null, stream_revision: 0 });
    expect((await cli('track', 'show', 't1', '--as-of', '2020-01-01')).stderr).toContain(
      'nothing was recorded',
    );

    expect((await cli('track', 'why', 't1', 'lastfmUrl')).stdout).toMatch(/from +Last\.fm, confidence/);
    const unknown = await cli('track', 'why', 't1', 'colour');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('lastfm_url')]);

    const { document: diff } = await json('track', 'diff', 't1', '--from', '0');
    expect(diff.changes).toContainEqual(
      expect.objectContaining({
        column: 'lastfm_url',
        before: null,
        after: row.lastfm_url,
        type: 'Enriched',
      }),
    );
    expect(await json('track', 'replay', 't1')).toMatchObject({ code: 0, document: { differences: [] } });
  },
  commandsMsMax,
);

it(
  'other rules are tried without writing; what was decided by other rules is decided again, once',
  async () => {
    const rules = join(folder, 'rules.json');
    writeFileSync(rules, '{}');
    expect((await json('simulate-rules', rules)).document).toMatchObject({
      tracks: 12,
      changed: 0,
      values: 0,
    });
    writeFileSync(rules, '{ "matching": { "confidenceMin": 1 } }');
    expect((await json('simulate-rules', rules)).document).toMatchObject({ tracks: 12, changed: 12 });
    expect((await cli('redecide')).code).toBe(2);

    // As if workers had once had other rules.
    const signal = new AbortController().signal;
    const strict = { ...defaultRules, matching: { ...defaultRules.matching, confidenceMin: 1 } };
    await inLedger(async (ledger) => {
      await redecideAll({
        verdicts: trackVerdicts({ ledger, rules: strict, trackIds: async function* () {}, signal }),
        signal,
        apply: { ledger, rules: strict, now: Date.now, newId: randomUUID, rate: 1000 },
        onChange: () => undefined,
        onFailure: () => undefined,
        onProgress: () => undefined,
      });
    });
    expect((await json('track', 'show', 't1')).document).toMatchObject({
      status: 'failed',
      lastfm_url: null,
    });
    const lost = await cli('track', 'why', 't1', 'lastfm_url');
    expect(lost.stdout).toMatch(/no value[\s\S]*Before:/);
    expect((await cli('redecide', 't1', '--dry-run')).stdout).toContain('lastfm_url: no value → ');
    expect((await json('redecide', '--apply')).document).toMatchObject({ tracks: 12, changed: 12 });
    expect((await json('redecide', '--apply')).document).toMatchObject({ tracks: 12, changed: 0 });
    expect((await cli('track', 'why', 't1', 'lastfm_url')).stdout).toContain('decided again');
    expect((await json('track', 'replay', 't1')).document.differences).toEqual([]);
  },
  commandsMsMax,
);

it(
  'of a track that was erased everything says so',
  async () => {
    await inLedger(async (ledger) => {
      const [last] = await ledger.read(trackStream('t2'), { direction: 'backwards', maxCount: 1 });
      if (last === undefined) throw new Error('There is no t2.');
      const metadata = { ...last.metadata, schemaVersion: schemaVersions.Erased };
      const data = { taskIds: [], eventCount: 1, by: 'me', why: 'asked to' };
      await ledger.append(trackStream('t2'), last.revision, [
        { id: randomUUID(), type: 'Erased', data, metadata },
      ]);
    });
    for (const question of [
      ['show', 't2'],
      ['why', 't2', 'bpm'],
    ])
      expect((await cli('track', ...question)).stderr).toContain('was erased at');
    const replayed = await cli('track', 'replay', 't2');
    expect([replayed.code, replayed.stdout]).toEqual([0, expect.stringContaining('was erased at')]);
  },
  commandsMsMax,
);
