import { type Command, InvalidArgumentError } from 'commander';
import { explain } from '../../domain/explain.ts';
import { type TrackField, trackFields } from '../../domain/track-values.ts';
import { type Moment, rowAsOf } from '../../projections/as-of.ts';
import { columnChanges, openStoredRows } from '../../projections/stored-row.ts';
import { columnOf, trackRecordOf } from '../../projections/track-columns.ts';
import { tool } from '../command-line.ts';
import { exitCodes } from '../exit-code.ts';
import { momentOf, momentText } from '../moment.ts';
import { counted } from '../number-text.ts';
import type { ReadModelsFlags } from '../read-models-session.ts';
import { formatTable } from '../table.ts';
import { timeText } from '../time-text.ts';
import {
  erasureText,
  readableEvents,
  recordedEvents,
  type TrackSession,
  withTracks,
} from '../track-session.ts';
import { UserError } from '../user-error.ts';
import { shown } from '../visible-text.ts';
import { whyText } from '../why-text.ts';

interface AskFlags extends ReadModelsFlags {
  readonly json?: true;
}

interface DiffFlags extends AskFlags {
  readonly from: Moment;
  readonly to?: Moment;
}

const valueColumnsMax = 50;

/** Adds the questions that go back in time. */
export function addQuestions(track: Command): void {
  const below = (name: string, description: string) =>
    track
      .command(name)
      .description(description)
      .argument('<id>', 'its track id')
      .option('--data-dir <dir>', 'where the ledger lives, unless DATABASE_URL and LEDGER_URL say')
      .option('--json', 'print JSON');
  below('why', 'why a value is there: who gave it, what lost against it, what it was before')
    .argument('<field>', 'a column of the track, such as bpm or spotify_id', fieldOf)
    .addHelpText('after', `\nExample:\n  $ ${tool} track why 0edd7a4f56cd98ef release_date`)
    .action((id: string, field: TrackField, flags: AskFlags) =>
      withTracks(flags, (session) => why(session, id, field, flags)),
    );
  below('diff', 'what changed of a track between two moments, and by which event')
    .requiredOption('--from <moment>', 'a revision, or a time', momentOf)
    .option('--to <moment>', 'a revision, or a time; else now', momentOf)
    .addHelpText('after', `\nExample:\n  $ ${tool} track diff 0edd7a4f56cd98ef --from 2026-01-31 --to 5`)
    .action((id: string, flags: DiffFlags) => withTracks(flags, (session) => diff(session, id, flags)));
  below(
    'replay',
    'recompute the row of a track from its events and compare it; exit code 1 where they differ',
  )
    .addHelpText('after', `\nExample:\n  $ ${tool} track replay 0edd7a4f56cd98ef`)
    .action((id: string, flags: AskFlags) => withTracks(flags, (session) => replay(session, id, flags)));
}

/** @throws InvalidArgumentError */
function fieldOf(text: string): TrackField {
  const field = trackFields.find((one) => one === text || columnOf(one) === text);
  if (field !== undefined) return field;
  throw new InvalidArgumentError(`It is one of ${trackFields.map(columnOf).join(', ')}.`);
}

async function why(session: TrackSession, id: string, field: TrackField, { json }: AskFlags): Promise<void> {
  const recorded = await recordedEvents(session, id);
  const events = readableEvents(recorded);
  const erased = erasureText(id, events);
  if (erased !== null) throw new UserError(erased);
  const explanation = explain(events, field);
  const { row } = rowAsOf(id, recorded);
  const name = `${shown(row?.artist ?? 'unknown')} – ${shown(row?.title ?? 'unknown')}`;
  process.stdout.write(
    json === true ? `${JSON.stringify(explanation, null, 2)}\n` : whyText(explanation, name),
  );
}

async function diff(session: TrackSession, id: string, { from, to, json }: DiffFlags): Promise<void> {
  const events = await recordedEvents(session, id);
  const [before, after] = [rowAsOf(id, events, from), rowAsOf(id, events, to ?? null)];
  if (before.revision > after.revision)
    throw new UserError(`${momentText(from)} is after the other moment: exchange the two.`, {
      exitCode: exitCodes.wrongUsage,
    });
  const record = (row: typeof before.row) => (row === null ? null : trackRecordOf(row));
  const changes = columnChanges(record(before.row), record(after.row)).map((change) => {
    // The event that made it what it is at the end.
    const by = events.findLast(({ revision }) => {
      if (revision > after.revision || revision <= before.revision) return false;
      const step = columnChanges(
        record(rowAsOf(id, events, { revision: revision - 1 }).row),
        record(rowAsOf(id, events, { revision }).row),
      );
      return step.some(({ column }) => column === change.column);
    });
    return { ...change, event: by?.id ?? null, type: by?.type ?? null, revision: by?.revision ?? null };
  });
  if (json === true) {
    const document = { from: before.revision, to: after.revision, changes };
    return void process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  }
  if (changes.length === 0) return void process.stdout.write('Nothing differs.\n');
  const cells = changes.map(({ column, before: one, after: other, type, revision }) => [
    column,
    cell(one),
    cell(other),
    `${shown(type ?? '', 40)} at revision ${revision}`,
  ]);
  const head = ['column', `revision ${before.revision}`, `revision ${after.revision}`, 'by'];
  process.stdout.write(`${formatTable([head, ...cells])}\n`);
}

async function replay(session: TrackSession, id: string, { json }: AskFlags): Promise<void> {
  await session.catchUp();
  const rows = await openStoredRows(session.url);
  try {
    const live = await rows.live(id);
    const events = await recordedEvents(session, id);
    // The projector may be behind: both at the revision that the live row is at.
    const at = live === null ? null : { revision: Number(live.stream_revision) };
    const { row, revision, stuck } = rowAsOf(id, events, at);
    const replayed = row === null ? null : await rows.asStored(row);
    const differences = columnChanges(live, replayed);
    if (differences.length > 0) process.exitCode = exitCodes.failed;
    if (json === true) {
      const document = { track: id, revision, stuck, row: replayed, differences };
      return void process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    }
    const cells = Object.entries(replayed ?? {}).map(([column, value]) => [column, cell(value)]);
    if (cells.length > 0) process.stdout.write(`${formatTable(cells)}\n\n`);
    const erased = replayed === null ? erasureText(id, readableEvents(events)) : null;
    if (erased !== null) process.stdout.write(`${erased}\n`);
    if (stuck !== null) process.stdout.write(`After revision ${revision} it cannot go on: ${stuck}\n`);
    const behind = events.filter((event) => event.revision > revision).length;
    if (behind > 0 && stuck === null)
      process.stdout.write(`The projector has yet to bring in ${counted(behind, 'event')} of it.\n`);
    if (differences.length === 0) {
      const last = events.find((event) => event.revision === revision);
      const when = timeText(String(last?.metadata.occurredAt ?? ''));
      return void process.stdout.write(`The live row is the same, as of revision ${revision} (${when}).\n`);
    }
    const rowsOf = differences.map(({ column, before, after }) => [column, cell(before), cell(after)]);
    process.stdout.write(
      `The live row differs:\n${formatTable([['column', 'live', 'replayed'], ...rowsOf], { indent: 2 })}\n`,
    );
  } finally {
    await rows.close();
  }
}

function cell(value: unknown): string {
  return value === null
    ? '–'
    : shown(typeof value === 'string' ? value : JSON.stringify(value), valueColumnsMax);
}
