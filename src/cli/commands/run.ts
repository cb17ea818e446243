import { Command } from 'commander';
import { terminalOf } from '../../config.ts';
import { quotedArguments, tool } from '../command-line.ts';
import { exitCodes } from '../exit-code.ts';
import { type OpenedInput, openInput } from '../input/open-input.ts';
import { removeSpool } from '../input/spool-stdin.ts';
import { createProgress, isInteractive } from '../progress.ts';
import { runFile } from '../run-file.ts';
import { simulated } from '../simulated.ts';
import { formatSummary, type RunSummary, summaryJson } from '../summary.ts';
import { share, wholeNumber } from './option-values.ts';

export const defaultDataDir = 'enrichment-data';

export interface RunFlags {
  readonly dataDir: string;
  readonly concurrency: number;
  readonly simulate?: true;
  readonly simLatency: number;
  readonly simSeed: number;
  readonly simUnknown: number;
  readonly simDecoys: number;
  readonly simErrors: number;
  readonly liftRates?: true;
  readonly wait?: true;
  readonly again?: true;
  readonly json?: true;
}

export function runCommand(): Command {
  return new Command('run')
    .description('enrich the tracks of a file (CSV with a header, or JSON lines; "-" for standard input)')
    .argument(
      '<file>',
      'the tracks: columns artist and title, and where known isrc, duration_ms, track_id, …',
    )
    .option('--data-dir <dir>', 'where the ledger and its database live', defaultDataDir)
    .option('--concurrency <n>', 'tasks in flight', wholeNumber(1, 1000), 64)
    .option('--wait', 'stay until the follow-ups of slow providers are done too')
    .option('--again', 'make new tasks for rows that are finished')
    .option('--json', 'print the summary as JSON on standard output')
    .option('--simulate', 'ask a simulator of the three APIs that knows the tracks of the file')
    .option('--sim-latency <ms>', 'how long a simulated call takes', wholeNumber(0, 60_000), 20)
    .option('--sim-seed <n>', 'which tracks are unknown, and where faults strike', wholeNumber(0, 2 ** 31), 1)
    .option('--sim-unknown <share>', 'share of tracks that a provider does not know', share, 0.05)
    .option(
      '--sim-decoys <share>',
      'share of tracks with remixes, covers and the like beside them',
      share,
      0.2,
    )
    .option('--sim-errors <share>', 'share of simulated calls that fail', share, 0)
    .option('--lift-rates', 'with --simulate: no rate limits on either side')
    .addHelpText('after', examples)
    .action(run);
}

const examples = `
Examples:
  $ ${tool} run tracks.csv --simulate            try it, without a network
  $ MUSICBRAINZ_USER_AGENT='my-app/1.0 ( me@example.org )' ${tool} run tracks.csv
  $ cat tracks.jsonl | ${tool} run - --json
  $ ${tool} run tracks.csv --wait                stay for the follow-ups as well

The same command again goes on where the last one ended. Exit codes: 0 done, 1 failed, 2 wrong usage,
3 done, but some rows were rejected.`;

export async function run(file: string, flags: RunFlags): Promise<void> {
  const abort = new AbortController();
  const onSignal = () => {
    // The second signal is immediate: everything of worth stands in the ledger.
    if (abort.signal.aborted) process.exit(exitCodes.failed);
    process.stderr.write('\nFinishing what is in flight; once more to stop at once.\n');
    abort.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const input = await openInput(file, flags.dataDir, { signal: abort.signal });
  const command = commandOf(file, input);
  if (input.spooled)
    process.stderr.write(
      `The input is kept, so that a run that is cut off can go on with it:\n  ${command}\n`,
    );
  const world = await simulated({ ...flags, simulate: flags.simulate === true, file: input.path });
  try {
    const summary = await runFile({
      config: world.config,
      dataDir: flags.dataDir,
      input: input.source,
      concurrency: flags.concurrency,
      wait: flags.wait === true,
      again: flags.again === true,
      liftRates: flags.liftRates === true && flags.simulate === true,
      command,
      startProgress: (total) =>
        createProgress({
          stream: process.stderr,
          isTTY: isInteractive(process.stderr, terminalOf()),
          total,
          label: input.spooled ? 'standard input' : input.source.name,
        }),
      signal: abort.signal,
    });
    process.stdout.write(flags.json === true ? `${summaryJson(summary)}\n` : formatSummary(summary));
    const violations = await world.violations();
    for (const line of violations) process.stderr.write(`${line}\n`);
    if (input.spooled && nothingIsLeft(summary)) await removeSpool(input);
    if (summary.interrupted) process.exitCode = exitCodes.failed;
    else process.exitCode = summary.rejected > 0 ? exitCodes.doneWithRejects : exitCodes.done;
  } finally {
    await world.close();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** What goes on with this run: as typed, with the spool in place of what was piped in. */
function commandOf(named: string, { path, spooled }: OpenedInput): string {
  const typed = process.argv.slice(2);
  const args = spooled ? ['run', path, ...typed.slice(1).filter((arg) => arg !== named)] : typed;
  return `${tool} ${quotedArguments(args)}`;
}

function nothingIsLeft({ interrupted, rejected, retriesWaiting, followUpsWaiting }: RunSummary): boolean {
  const waiting = Object.values(followUpsWaiting).reduce((sum, { count }) => sum + count, retriesWaiting);
  return !interrupted && rejected === 0 && waiting === 0;
}
