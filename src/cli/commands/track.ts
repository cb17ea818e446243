import { Command } from 'commander';
import { openProjector, openStore, type Store } from '../../app.ts';
import { readConfig } from '../../config.ts';
import { trackStream } from '../../domain/stream-names.ts';
import { type Moment, rowAsOf } from '../../projections/as-of.ts';
import { openTrackQueries, type TrackQueries } from '../../projections/queries.ts';
import { trackRecordOf } from '../../projections/track-columns.ts';
import { tool } from '../command-line.ts';
import { existingDataDir } from '../data-dir.ts';
import { momentOf, momentText } from '../moment.ts';
import { say } from '../say.ts';
import { formatTable } from '../table.ts';
import { formatHistory, formatTrack } from '../timeline.ts';
import { erasureText, readableEvents } from '../track-session.ts';
import { trackViewOf } from '../track-view.ts';
import { UserError } from '../user-error.ts';
import { visibleText } from '../visible-text.ts';
import { defaultDataDir } from './run.ts';
import { addQuestions } from './track-ask.ts';

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
    .option('--as-of <moment>', 'as it was after a revision of its stream, or at a time', momentOf)
    .option('--data-dir <dir>', 'where the ledger lives', defaultDataDir)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${tool} track show 0edd7a4f56cd98ef\n  $ ${tool} track show 0edd7a4f56cd98ef --as-of 2026-01-31T12:00`,
    )
    .action((id: string, flags: TrackFlags & { readonly asOf?: Moment }) =>
      withStore(flags, (store) =>
        flags.asOf === undefined ? show(store, id, flags) : showAsOf(store, id, flags.asOf, flags),
      ),
    );
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
  addQuestions(track);
  return track;
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
  if (row === null) {
    const erased = erasureText(id, readableEvents(await store.ledger.read(trackStream(id))));
    throw erased === null ? unknownTrack(id, flags) : new UserError(erased);
  }
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(trackRecordOf(row), null, 2)}\n` : formatTrack(trackViewOf(row)),
  );
}

/** The row folded from the events up to then. */
async function showAsOf(store: Store, id: string, moment: Moment, flags: TrackFlags): Promise<void> {
  const events = await store.ledger.read(trackStream(id));
  if (events.length === 0) throw unknownTrack(id, flags);
  const { row, revision } = rowAsOf(id, events, moment);
  if (row === null) {
    const until = events.filter((event) => event.revision <= revision);
    throw new UserError(
      erasureText(id, readableEvents(until)) ?? `At ${momentText(moment)} nothing was recorded of it yet.`,
    );
  }
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
  process.stdout.write(formatHistory(readableEvents(recorded)));
}

function unknownTrack(id: string, { dataDir }: TrackFlags): UserError {
  return new UserError(
    `There is no track "${id}" in ${dataDir}: \`track find WORDS\` lists tracks with their ids.`,
  );
}
