import { Command } from 'commander';
import { openSharedCache } from '../../app-shared.ts';
import { readConfig } from '../../config.ts';
import { trackStream } from '../../domain/stream-names.ts';
import { forgetPrevious } from '../../projections/forget-previous.ts';
import { startProjector } from '../../projections/projector.ts';
import { randomId } from '../../queue/task-id.ts';
import { eraseTrack } from '../../workers/erase.ts';
import { tool } from '../command-line.ts';
import { counted } from '../number-text.ts';
import { type ReadModelsFlags, withDataDir, withReadModels } from '../read-models-session.ts';
import { say } from '../say.ts';
import { UserError } from '../user-error.ts';

/** How long the command waits for the rows to be gone, where it brings the projector along. */
const goneWithinMsMax = 60_000;

export function eraseCommand(): Command {
  return withDataDir(new Command('erase'))
    .description('take a track out of ledger, read models and cache, for good')
    .argument('<id>', 'its track id')
    .requiredOption('--why <text>', 'why, as the ledger keeps it')
    .addHelpText(
      'after',
      `\nThat it was erased, when, by whom and why stays as a fact. EventStoreDB frees the space at its next scavenge.\n\nExample:\n  $ ${tool} track erase 0edd7a4f56cd98ef --why 'asked for by its artist'`,
    )
    .action(erase);
}

async function erase(trackId: string, flags: ReadModelsFlags & { readonly why: string }): Promise<void> {
  const why = flags.why.trim();
  if (why === '') throw new UserError('--why takes some words: they are all that stays of the track.');
  await withReadModels(flags, async ({ ledger, url, by }) => {
    const { redis } = readConfig();
    const cache = redis === null ? null : openSharedCache(readConfig(), redis);
    const erasure = await eraseTrack(
      trackId,
      { by, why },
      { ledger, cache, now: Date.now, newId: randomId },
    ).finally(() => cache?.close());
    if (erasure.kind === 'unknown') throw new UserError(`There is no track "${trackId}" in the ledger.`);
    if (erasure.kind === 'contested')
      throw new UserError(`Workers keep writing to track "${trackId}": try again in a moment.`);
    await forgetPrevious(url, trackId, trackStream(trackId));
    if (flags.dataDir !== undefined) {
      const projector = startProjector({ ledger, url });
      await projector.waitUntilCaughtUp(goneWithinMsMax).finally(projector.stop);
    }
    const what = `${counted(erasure.events, 'event')} of ${counted(erasure.tasks, 'task')}`;
    process.stdout.write(`Erased: ${what}.\n`);
    if (flags.dataDir === undefined)
      say('The projector takes the rows away within seconds of being at work.');
    if ((await ledger.server()).startsWith('EventStoreDB'))
      say('EventStoreDB hides the events; the next scavenge removes them from its disk.');
  });
}
