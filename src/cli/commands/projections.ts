import { Command } from 'commander';
import { prove, rebuild } from '../../projections/rebuild.ts';
import { rollBack } from '../../projections/roll-back.ts';
import { tool } from '../command-line.ts';
import { comparisonText } from '../comparison-text.ts';
import { exitCodes } from '../exit-code.ts';
import { numberText } from '../number-text.ts';
import { projectionsStatus, setPaused } from '../projections-status.ts';
import { type ReadModelsFlags, withDataDir, withReadModels } from '../read-models-session.ts';
import { rebuildProgress } from '../rebuild-progress.ts';
import { wholeNumber } from './option-values.ts';
import { quarantineCommand } from './quarantine.ts';

const samplesDefault = 10;

export function projectionsCommand(): Command {
  const projections = new Command('projections').description(
    'the read models: rebuild, prove and roll back what the ledger makes of itself',
  );
  withDataDir(projections.command('status'))
    .description('version, position, lag, what is parked')
    .option('--json', 'print JSON')
    .action((flags: ReadModelsFlags & { readonly json?: true }) =>
      withReadModels(flags, (session) => projectionsStatus(session, flags.json === true)),
    );
  withDataDir(projections.command('rebuild'))
    .description('make them anew from the ledger beside the live ones, compare, and put them in their place')
    .option('--max-changes <n>', 'how many rows may differ', wholeNumber(0, 1_000_000_000), 0)
    .option('--force', 'swap however many rows differ')
    .option('--from-scratch', 'do not go on with what an earlier rebuild left')
    .option(
      '--samples <n>',
      'how many differing rows of each table are shown',
      wholeNumber(0, 1000),
      samplesDefault,
    )
    .option('--json', 'print the comparison as JSON')
    .addHelpText(
      'after',
      `\nThe live read models are followed and read all the while; the old ones stay for "rollback".\n\nExample:\n  $ ${tool} projections rebuild --max-changes 100`,
    )
    .action(rebuildAndTell);
  withDataDir(projections.command('verify'))
    .description(
      'recompute them from the ledger and compare; nothing is changed; exit code 1 where a row differs',
    )
    .option(
      '--samples <n>',
      'how many differing rows of each table are shown',
      wholeNumber(0, 1000),
      samplesDefault,
    )
    .option('--json', 'print the comparison as JSON')
    .action(verify);
  withDataDir(projections.command('rollback'))
    .description(
      'put the read models back that the last rebuild replaced; they catch up from where they stood',
    )
    .action((flags: ReadModelsFlags) =>
      withReadModels(flags, async ({ url }) => {
        await rollBack(url);
        process.stdout.write(
          'The previous read models are live again. "rollback" once more takes this back.\n',
        );
      }),
    );
  for (const [name, isPaused, text] of [
    ['pause', true, 'have the projector stand still'],
    ['resume', false, 'have it go on'],
  ] as const) {
    withDataDir(projections.command(name))
      .description(text)
      .action((flags: ReadModelsFlags) => withReadModels(flags, (session) => setPaused(session, isPaused)));
  }
  return projections.addCommand(quarantineCommand());
}

interface CompareFlags extends ReadModelsFlags {
  readonly samples: number;
  readonly json?: true;
}

async function rebuildAndTell(
  flags: CompareFlags & { readonly maxChanges: number; readonly force?: true; readonly fromScratch?: true },
): Promise<void> {
  const { maxChanges, force, fromScratch, samples, json } = flags;
  await withReadModels(flags, async ({ ledger, url }) => {
    const { onProgress, finish } = rebuildProgress();
    const { comparison, isSwapped } = await rebuild({
      ledger,
      url,
      fromScratch: fromScratch === true,
      signal: interrupted(),
      onProgress,
      samplesMax: samples,
      mayReplace: ({ changes }) => force === true || changes <= maxChanges,
    }).finally(finish);
    if (json === true) process.stdout.write(`${JSON.stringify({ isSwapped, ...comparison })}\n`);
    else if (comparison !== null) process.stdout.write(`${comparisonText(comparison)}\n`);
    if (isSwapped) {
      if (json !== true)
        process.stdout.write('The new read models are live; "projections rollback" goes back.\n');
      return;
    }
    process.exitCode = exitCodes.failed;
    process.stderr.write(
      `The live read models stay: more than ${numberText(maxChanges)} rows differ. Where the new ones are right, ` +
        `the same command with --max-changes ${comparison?.changes ?? 0} or --force puts them in place.\n`,
    );
  });
}

async function verify(flags: CompareFlags): Promise<void> {
  await withReadModels(flags, async ({ ledger, url }) => {
    const { onProgress, finish } = rebuildProgress();
    const comparison = await prove({
      ledger,
      url,
      signal: interrupted(),
      onProgress,
      samplesMax: flags.samples,
    }).finally(finish);
    process.stdout.write(
      flags.json === true ? `${JSON.stringify(comparison)}\n` : comparisonText(comparison),
    );
    if (comparison.changes > 0) process.exitCode = exitCodes.failed;
  });
}

/** Aborted by Ctrl-C; what was filled stays, and the same command goes on. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort()).once('SIGTERM', () => controller.abort());
  return controller.signal;
}
