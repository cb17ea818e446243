import { Command } from 'commander';
import { redecideAll } from '../../redecision/redecide-all.ts';
import { createTally } from '../../redecision/tally.ts';
import { interruption, tracksProgress, verdictsOn } from '../all-tracks.ts';
import { tallyText } from '../change-text.ts';
import { tool } from '../command-line.ts';
import { exitCodes } from '../exit-code.ts';
import { counted } from '../number-text.ts';
import { type ReadModelsFlags, withDataDir } from '../read-models-session.ts';
import { readRules } from '../rules-file.ts';
import { say } from '../say.ts';
import { withTracks } from '../track-session.ts';
import { visibleText } from '../visible-text.ts';
import { wholeNumber } from './option-values.ts';

interface SimulateRulesFlags extends ReadModelsFlags {
  readonly track?: string;
  readonly limit?: number;
  readonly json?: true;
}

const examplesShown = 10;

export function simulateRulesCommand(): Command {
  return withDataDir(new Command('simulate-rules'))
    .description('what recorded answers would come to by other rules; nothing is written')
    .argument('<file>', 'matching and merging settings as JSON; what it leaves out stays as it is')
    .option('--track <id>', 'of one track')
    .option('--limit <n>', 'of so many tracks', wholeNumber(1, 1_000_000_000))
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExample:\n  $ ${tool} simulate-rules examples/rules.json`)
    .action(simulateRules);
}

async function simulateRules(file: string, flags: SimulateRulesFlags): Promise<void> {
  const rules = await readRules(file);
  await withTracks(flags, async (session) => {
    const signal = interruption();
    const tally = createTally();
    const progress = tracksProgress();
    const counts = await redecideAll({
      verdicts: verdictsOn(session, flags.track, rules, signal),
      signal,
      apply: null,
      onChange: tally.add,
      onFailure: (trackId, reason) => say(`${visibleText(trackId)} was left alone: ${visibleText(reason)}`),
      onProgress: progress.onProgress,
      ...(flags.limit === undefined ? {} : { tracksMax: flags.limit }),
    }).finally(progress.finish);
    const kinds = tally.kinds();
    const values = kinds.reduce((sum, { otherValues }) => sum + otherValues, 0);
    if (flags.json === true) {
      const document = { ...counts, values, kinds, examples: tally.examples(examplesShown) };
      process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    } else {
      process.stdout.write(tallyText(tally, examplesShown));
      process.stdout.write(
        `${counted(values, 'value')} of ${counted(counts.changed, 'track')} would be others; ${counted(counts.tracks, 'track')} looked at.\n`,
      );
    }
    if (signal.aborted) process.exitCode = exitCodes.failed;
    else if (counts.failed > 0) process.exitCode = exitCodes.doneWithRejects;
  });
}
