import { Command } from 'commander';
import { defaultRules } from '../../domain/rules.ts';
import { randomId } from '../../queue/task-id.ts';
import { redecideAll } from '../../redecision/redecide-all.ts';
import { createTally } from '../../redecision/tally.ts';
import { interruption, tracksProgress, verdictsOn } from '../all-tracks.ts';
import { changeText, tallyText } from '../change-text.ts';
import { quotedArguments, tool } from '../command-line.ts';
import { exitCodes } from '../exit-code.ts';
import { counted } from '../number-text.ts';
import { type ReadModelsFlags, withDataDir } from '../read-models-session.ts';
import { say } from '../say.ts';
import { withTracks } from '../track-session.ts';
import { UserError } from '../user-error.ts';
import { visibleText } from '../visible-text.ts';
import { wholeNumber } from './option-values.ts';

interface RedecideFlags extends ReadModelsFlags {
  readonly dryRun?: true;
  readonly apply?: true;
  readonly rate: number;
  readonly examples: number;
  readonly json?: true;
}

const rateDefault = 200;
const examplesDefault = 10;

export function redecideCommand(): Command {
  return withDataDir(new Command('redecide'))
    .description(
      'decide by the present rules again what tracks are, over their recorded answers; nobody is called',
    )
    .argument('[id]', 'a track id; else all tracks')
    .option('--dry-run', 'only say what would change, and why')
    .option('--apply', 'record it: a new Enriched that names the old one, where something changes')
    .option('--rate <n>', 'with --apply: how many tracks a second', wholeNumber(1, 100_000), rateDefault)
    .option(
      '--examples <n>',
      'how many changes are shown of many tracks',
      wholeNumber(0, 1000),
      examplesDefault,
    )
    .option('--json', 'a JSON line for each track that changes, then one of counts')
    .addHelpText('after', `\nExample:\n  $ ${tool} redecide --dry-run`)
    .action(redecideAndTell);
}

async function redecideAndTell(id: string | undefined, flags: RedecideFlags): Promise<void> {
  const { dryRun, apply, rate, examples, json } = flags;
  if ((dryRun === true) === (apply === true))
    throw new UserError('Say --dry-run or --apply: one of the two.', { exitCode: exitCodes.wrongUsage });
  await withTracks(flags, async (session) => {
    const signal = interruption();
    const tally = createTally();
    const progress = tracksProgress();
    const { ledger } = session;
    const counts = await redecideAll({
      verdicts: verdictsOn(session, id, defaultRules, signal),
      signal,
      apply: apply === true ? { ledger, rules: defaultRules, now: Date.now, newId: randomId, rate } : null,
      onChange(trackId, redecision) {
        tally.add(trackId, redecision);
        const { changes, sources, basis } = redecision;
        if (json === true)
          process.stdout.write(
            `${JSON.stringify({ trackId, redecides: basis.eventId, sources, changes })}\n`,
          );
        else if (id !== undefined)
          for (const change of changes) process.stdout.write(`${changeText(change)}\n`);
      },
      onFailure: (trackId, reason) => say(`${visibleText(trackId)} was left alone: ${visibleText(reason)}`),
      onProgress: progress.onProgress,
    }).finally(progress.finish);
    if (json === true) process.stdout.write(`${JSON.stringify({ ...counts, kinds: tally.kinds() })}\n`);
    else {
      if (id === undefined) process.stdout.write(tallyText(tally, examples));
      const did = apply === true ? 'decided again otherwise' : 'would come out otherwise';
      process.stdout.write(
        `${counted(counts.changed, 'track')} of ${counted(counts.tracks, 'track')} ${did}.\n`,
      );
    }
    if (counts.failed > 0) process.exitCode = exitCodes.doneWithRejects;
    if (!signal.aborted) return;
    process.exitCode = exitCodes.failed;
    const again = quotedArguments(process.argv.slice(2));
    say(`Stopped; what was recorded stays. The same command goes on:\n  ${tool} ${again}`);
  });
}
