import { Command } from 'commander';
import { openProjector } from '../../app.ts';
import { readConfig } from '../../config.ts';
import { trackStream } from '../../domain/stream-names.ts';
import { readRange } from '../../ledger/read-range.ts';
import { type Moment, rowAsOf } from '../../projections/as-of.ts';
import { openTrackQueries, type TrackQueries } from '../../projections/queries.ts';
import { trackRecordOf } from '../../projections/track-columns.ts';
import { tool } from '../command-line.ts';
import { momentOf, momentText } from '../moment.ts';
import {
  type ReadModelsFlags,
  type ReadModelsSession,
  withDataDir,
  withReadModels,
} from '../read-models-session.ts';
import { formatTable } from '../table.ts';
import { formatHistory, formatTrack } from '../timeline.ts';
import { erasureText, readableEvents } from '../track-session.ts';
import { trackViewOf } from '../track-view.ts';
import { UserError } from '../user-error.ts';
import { visibleText } from '../visible-text.ts';
import { eraseCommand } from './erase.ts';
import { defaultDataDir } from './run.ts';
import { addQuestions } from './track-ask.ts';

/** How long a question waits for the read models to catch up with the ledger. */
const visibleWithinMsMax = 60_000;
const foundMax = 50;

interface TrackFlags extends ReadModelsFlags {
  readonly json?: true;
}

export function trackCommand(): Command {
  const track = new Command('track')
    .description('ask what is known of a track, and what happened to it')
    .addHelpText(
      'after',
      `
Examples:
  $ ${tool} track find larkspur lanterns
  $ ${tool} track show 0edd7a4f56cd98ef

Where DATABASE_URL and LEDGER_URL are set, these servers are asked, else the folder
"${defaultDataDir}"; --data-dir goes before both.`,
    );
  withDataDir(track.command('show'))
    .description('the values of a track, and where each comes from')
    .argument('<id>', 'its track id')
    .option('--as-of <moment>', 'as it was after a revision of its stream, or at a time', momentOf)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${tool} track show 0edd7a4f56cd98ef\n  $ ${tool} track show 0edd7a4f56cd98ef --as-of 2026-01-31T12:00`,
    )
    .action((id: string, flags: TrackFlags & { readonly asOf?: Moment }) =>
      withSource(flags, (source, where) =>
        flags.asOf === undefined
          ? show(source, id, { ...flags, ...where })
          : showAsOf(source, id, flags.asOf, { ...flags, ...where }),
      ),
    );
  withDataDir(track.command('find'))
    .description('the tracks whose artist and title hold these words, with their ids')
    .argument('<words...>', 'words of the artist or the title, in any case')
    .option('--json', 'print the tracks as JSON lines')
    .addHelpText('after', `\nExample:\n  $ ${tool} track find larkspur lanterns`)
    .action((words: string[], flags: TrackFlags) =>
      withSource(flags, (source, where) => find(source, words, { ...flags, ...where })),
    );
  withDataDir(track.command('history'))
    .description('everything that happened to a track, in order')
    .argument('<id>', 'its track id')
    .option('--json', 'print the events as JSON lines')
    .addHelpText('after', `\nExample:\n  $ ${tool} track history 0edd7a4f56cd98ef --json | head -1`)
    .action((id: string, flags: TrackFlags) =>
      withSource(flags, (source, where) => history(source, id, { ...flags, ...where })),
    );
  addQuestions(track);
  return track.addCommand(eraseCommand());
}

/** The servers where both are named, else a data folder. */
async function withSource(
  { dataDir }: TrackFlags,
  use: (source: ReadModelsSession, where: ReadModelsFlags) => Promise<void>,
): Promise<void> {
  const { databaseUrl, ledgerUrl } = readConfig();
  const ofServers = dataDir === undefined && databaseUrl !== null && ledgerUrl !== null;
  const where = ofServers ? {} : { dataDir: dataDir ?? defaultDataDir };
  await withReadModels(where, (source) => use(source, where));
}

/** Those of a data folder are brought up to date first; those of a server have a projector that does it. */
async function ask<Answer>(
  { ledger, url }: ReadModelsSession,
  { dataDir }: TrackFlags,
  question: (queries: TrackQueries) => Promise<Answer>,
): Promise<Answer> {
  if (dataDir !== undefined) {
    const projector = openProjector({ ledger, databaseUrl: url });
    await projector.waitUntilCaughtUp(visibleWithinMsMax).finally(projector.stop);
  }
  const queries = openTrackQueries({ url });
  return question(queries).finally(queries.close);
}

export async function show(source: ReadModelsSession, id: string, flags: TrackFlags): Promise<void> {
  const row = await ask(source, flags, ({ findTrack }) => findTrack(id));
  if (row === null) {
    const erased = erasureText(id, readableEvents(await readRange(source.ledger, trackStream(id))));
    throw erased === null ? unknownTrack(id, flags.dataDir ?? 'DATABASE_URL') : new UserError(erased);
  }
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(trackRecordOf(row), null, 2)}\n` : formatTrack(trackViewOf(row)),
  );
}

/** The row folded from the events up to then. */
async function showAsOf(
  { ledger }: ReadModelsSession,
  id: string,
  moment: Moment,
  flags: TrackFlags,
): Promise<void> {
  const events = await readRange(ledger, trackStream(id));
  if (events.length === 0) throw unknownTrack(id, flags.dataDir ?? 'LEDGER_URL');
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

async function find(source: ReadModelsSession, words: readonly string[], flags: TrackFlags): Promise<void> {
  const found = await ask(source, flags, ({ searchTracks }) => searchTracks(words, foundMax + 1));
  if (found.length === 0) {
    throw new UserError(
      `No track in ${flags.dataDir ?? 'DATABASE_URL'} holds ${words.map((word) => `"${word}"`).join(' and ')}.`,
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

export async function history({ ledger }: ReadModelsSession, id: string, flags: TrackFlags): Promise<void> {
  const recorded = await readRange(ledger, trackStream(id));
  if (recorded.length === 0) throw unknownTrack(id, flags.dataDir ?? 'LEDGER_URL');
  if (flags.json === true) {
    for (const event of recorded) process.stdout.write(`${JSON.stringify(event)}\n`);
    return;
  }
  process.stdout.write(formatHistory(readableEvents(recorded)));
}

function unknownTrack(id: string, where: string): UserError {
  return new UserError(
    `There is no track "${id}" in ${where}: \`track find WORDS\` lists tracks with their ids.`,
  );
}
