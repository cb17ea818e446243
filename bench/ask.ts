/**
 * What asking the ledger costs: deciding all tracks again without writing anything, beside reading their streams alone;
 * and history, why and as-of of a track with 1,000 events, in process and as commands.
 * `npm run bench:ask -- [--tracks 100000] [--rounds 3] [--data-dir DIR]`. Without a folder it fills a new one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { openEmbeddedPostgres } from '../src/embedded/embedded-postgres.ts';
import { loadTracks } from './ask/load.ts';
import { measureQuestions } from './ask/questions.ts';
import { measureRedecide } from './ask/redecide.ts';

const { values: flags } = parseArgs({
  options: {
    tracks: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    'data-dir': { type: 'string' },
  },
});

const work = flags['data-dir'] ?? mkdtempSync(join(tmpdir(), 'bench-ask-'));
try {
  const postgres = await openEmbeddedPostgres({ dataDir: work });
  try {
    if (!(await isFilled(postgres.url))) {
      const { bytesPerEvent } = await loadTracks(postgres.url, Number(flags.tracks));
      print(`${flags.tracks} tracks of 10 events, ${bytesPerEvent} bytes each on average`);
    }
    print(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`);
    for (let round = 0; round < Number(flags.rounds); round++) print(await measureRedecide(postgres.url));
    print(await measureQuestions(postgres.url));
  } finally {
    await postgres.stop();
  }
  if (flags['data-dir'] === undefined) print('As commands: --data-dir DIR keeps the folder for them.');
} finally {
  if (flags['data-dir'] === undefined) rmSync(work, { recursive: true, force: true });
}

async function isFilled(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query("SELECT to_regclass('ledger.events') IS NOT NULL AS there");
  await client.end();
  return rows[0]?.there === true;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
