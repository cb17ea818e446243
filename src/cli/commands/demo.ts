import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { tool } from '../command-line.ts';
import { withReadModels } from '../read-models-session.ts';
import { deriveTrackId } from '../track-id.ts';
import { type RunFlags, run } from './run.ts';
import { history, show } from './track.ts';

const examples = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'examples', 'tracks.csv');

/** The track of the examples whose story the demo tells: its artist and title are written as in the file. */
const told = { artist: 'Zoë Larkspur & Tidemark', title: 'Paper Lanterns' } as const;

export function demoCommand(): Command {
  return new Command('demo')
    .description('enrich the bundled example tracks against the built-in simulator, and show one of them')
    .option('--data-dir <dir>', 'keep the data there; else it goes to a temporary folder and is removed')
    .addHelpText('after', `\nExample:\n  $ ${tool} demo --data-dir demo-data`)
    .action(demo);
}

async function demo({ dataDir: kept }: { dataDir?: string }): Promise<void> {
  const dataDir = kept ?? (await mkdtemp(join(tmpdir(), 'enrichment-demo-')));
  const flags: RunFlags = {
    dataDir,
    concurrency: 8,
    simulate: true,
    simLatency: 20,
    simSeed: 1,
    simUnknown: 0.1,
    simDecoys: 0.5,
    simErrors: 0.05,
    wait: true,
  };
  try {
    await run(examples, flags);
    if (process.exitCode !== undefined && process.exitCode !== 0) return;
    const id = deriveTrackId(told.artist, told.title);
    await withReadModels({ dataDir }, async (source) => {
      process.stdout.write(`\n$ ${tool} track show ${id}\n`);
      await show(source, id, { dataDir });
      process.stdout.write(`\n$ ${tool} track history ${id}\n`);
      await history(source, id, { dataDir });
    });
  } finally {
    if (kept === undefined) await rm(dataDir, { recursive: true, force: true });
  }
}
