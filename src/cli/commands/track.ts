import { Command } from 'commander';
import { openProjector, openStore, type Store } from '../../app.ts';
import { readConfig } from '../../config.ts';
import type { RecordedTrackEvent } from '../../domain/events.ts';
import { trackStream } from '../../domain/stream-names.ts';
import { decodeTrackEvent } from '../../ledger/track-events.ts';
import { openTrackQueries, type TrackQueries } from '../../projections/queries.ts';
import { trackRecordOf } from '../../projections/track-columns.ts';
import { tool } from '../command-line.ts';
import { existingDataDir } from '../data-dir.ts';
import { say } from '../say.ts';
import { formatTable } from '../table.ts';
import { formatHistory, formatTrack } from '../timeline.ts';
import { trackViewOf } from '../track-view.ts';
import { UserError } from '../user-error.ts';
import { visibleText } from '../visible-text.ts';
import { eraseCommand } from './erase.ts';
import { defaultDataDir } from './run.ts';

/** How long a question waits for the read models to catch up with the ledger. */
const visibleWithinMsMax = 60_000;
const foundMax = 50;

interface TrackFlags {
  readonly dataDir: string;
  readonly json?: true;
}

export function trackCommand(): Command {
  const track = new Command('track')
    .description('ask what is known of a track, and what happened to it')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${tool} track find larkspur lanterns\n  $ ${tool} track show 0edd7a4f56cd98ef`,
    );
  track
    .command('show')
    .description('the values of a track, and where each comes from')
    .argument('<id>', 'its track id')
    .option('--data-dir <dir>', 'where the ledger lives', defaultDataDir)
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExample:\n  $ ${tool} track show 0edd7a4f56cd98ef`)
    .action((id: string, flags: TrackFlags) => withStore(flags, (store) => show(store, id, flags)));
  track
    .command('find')
    .description('the tracks whose artist and title hold these words, with their ids')
    .argument('<words...>', 'words of the artist or the title, in any case')
    .option('--data-dir <dir>', 'where the ledger lives', defaultDataDir)
    .option('--json', 'print the tracks as JSON lines')
    .addHelpText('after', `\nExample:\n  $ ${tool} track find larkspur lanterns`)
    .action((words: string[], flags: TrackFlags) => withStore(flags, (store) => find(store, words, flags)));
  track
    .command('history')
    .description('everything that happened to a track, in order')
    .argument('<id>', 'its track id')
    .option('--data-dir <dir>', 'where the ledger lives', defaultDataDir)
    .option('--json', 'print the events as JSON lines')
    .addHelpText('after', `\nExample:\n  $ ${tool} track history 0edd7a4f56cd98ef --json | head -1`)
    .action((id: string, flags: TrackFlags) => withStore(flags, (store) => history(store, id, flags)));
  return track.addCommand(eraseCommand());
}

export async function withStore(flags: TrackFlags, use: (store: Store) => Promise<void>): Promise<void> {
  const store = await openStore({
    dataDir: await existingDataDir(flags.dataDir),
    ledgerUrl: readConfig().ledgerUrl,
    say,
  });
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

async function ask<Answer>(
  store: Store,
  question: (queries: TrackQueries) => Promise<Answer>,
): Promise<Answer> {
  const projector = openProjector(store);
  await projector.waitUntilCaughtUp(visibleWithinMsMax).finally(projector.stop);
  const queries = openTrackQueries({ url: store.databaseUrl });
  return question(queries).finally(queries.close);
}

export async function show(store: Store, id: string, flags: TrackFlags): Promise<void> {
  const row = await ask(store, ({ findTrack }) => findTrack(id));
  if (row === null) throw unknownTrack(id, flags);
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(trackRecordOf(row), null, 2)}\n` : formatTrack(trackViewOf(row)),
  );
}

async function find(store: Store, words: readonly string[], flags: TrackFlags): Promise<void> {
  const found = await ask(store, ({ searchTracks }) => searchTracks(words, foundMax + 1));
  if (found.length === 0) {
    throw new UserError(
      `No track in ${flags.dataDir} holds ${words.map((word) => `"${word}"`).join(' and ')}.`,
    );
  }
  const rows = found.slice(0, foundMax);
  if (flags.json === true) {
    for (const row of rows) process.stdout.write(`${JSON.stringify(trackRecordOf(row))}\n`);
    return;
  }
  const cells = rows.map(({ trackId, status, artist, title }) => [
    visibleText(trackId),
    status,
    visibleText(`${artist} – ${title}`),
  ]);
  process.stdout.write(`${formatTable(cells)}\n`);
  if (found.length > foundMax) process.stdout.write(`More than ${foundMax}: name more words.\n`);
}

export async function history(store: Store, id: string, flags: TrackFlags): Promise<void> {
  const recorded = await store.ledger.read(trackStream(id));
  if (recorded.length === 0) throw unknownTrack(id, flags);
  if (flags.json === true) {
    for (const event of recorded) process.stdout.write(`${JSON.stringify(event)}\n`);
    return;
  }
  const known: RecordedTrackEvent[] = [];
  for (const event of recorded) {
    const decoded = decodeTrackEvent(event);
    if ('event' in decoded) known.push(decoded);
  }
  process.stdout.write(formatHistory(known));
}

function unknownTrack(id: string, { dataDir }: TrackFlags): UserError {
  return new UserError(
    `There is no track "${id}" in ${dataDir}: \`track find WORDS\` lists tracks with their ids.`,
  );
}
