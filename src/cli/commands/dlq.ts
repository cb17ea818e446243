import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { openLedgerAt } from '../../app.ts';
import { readConfig, required } from '../../config.ts';
import { failureReasons } from '../../domain/events.ts';
import { providers } from '../../domain/provider.ts';
import { readRange } from '../../ledger/read-range.ts';
import type { TaskRow } from '../../projections/schema.ts';
import type { DeadLetterFilter } from '../../projections/task-queries.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { dismissDeadLetter, replayDeadLetter } from '../../workers/operator.ts';
import { withHealth } from '../command-health.ts';
import { tool } from '../command-line.ts';
import { exitCodes } from '../exit-code.ts';
import { counted } from '../number-text.ts';
import { withOperator, withQueries } from '../operator-session.ts';
import { formatTable } from '../table.ts';
import { timeText } from '../time-text.ts';
import { UserError } from '../user-error.ts';
import { shown, visibleText } from '../visible-text.ts';
import { reason, wholeNumber } from './option-values.ts';

interface FilterFlags {
  readonly errorType?: string;
  readonly provider?: string;
  readonly source?: string;
  readonly since?: string;
  readonly text?: string;
}

const limitDefault = 50;
const replaysMax = 100_000;
const cellColumnsMax = 60;

export function dlqCommand(): Command {
  const dlq = new Command('dlq').description('dead letters: tasks that failed for good');
  filtered(dlq.command('list').description('list them, newest first, with counts by error type'))
    .option('--all', 'also those that were replayed or dismissed')
    .option('--limit <n>', 'how many', wholeNumber(1, 10_000), limitDefault)
    .option('--json', 'a JSON line for each')
    .addHelpText(
      'after',
      `\nTracks that nobody knows come with --error-type not_found only.\n\nExample:\n  $ ${tool} dlq list --error-type unavailable --since 1d`,
    )
    .action(list);
  dlq.command('show').description('everything about one').argument('<id>', 'the task id').action(show);
  filtered(
    dlq
      .command('replay')
      .description('publish them again as new tasks; safe to repeat')
      .argument('[ids...]', 'task ids; or a filter'),
  )
    .option('--why <text>', 'why, as the ledger keeps it', reason, 'asked for at the command line')
    .option('--rate <n>', 'how many a second', wholeNumber(1, 10_000), 50)
    .option('--dry-run', 'only say which')
    .addHelpText(
      'after',
      `\nExample:\n  $ ${tool} dlq replay --error-type unavailable --provider spotify --dry-run`,
    )
    .action(replay);
  filtered(
    dlq
      .command('dismiss')
      .description('settle them without another try')
      .argument('[ids...]', 'task ids; or a filter'),
  )
    .requiredOption('--why <text>', 'why, as the ledger keeps it', reason)
    .option('--dry-run', 'only say which')
    .action(dismiss);
  return dlq;
}

function filtered(command: Command): Command {
  return command
    .addOption(new Option('--error-type <type>', 'why they failed').choices([...failureReasons]))
    .addOption(new Option('--provider <name>', 'a provider that gave no answer').choices([...providers]))
    .option('--source <name>', 'where the task came from')
    .option('--since <time>', 'failed since: 30m, 12h, 7d, or an ISO time', (text) => since(text))
    .option('--text <words>', 'in artist, title, message or id');
}

/** @throws InvalidArgumentError */
export function since(text: string, nowMs = Date.now()): string {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (count !== undefined) {
    const ms = { m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 'm' | 'h' | 'd'];
    return new Date(nowMs - Number(count) * ms).toISOString();
  }
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new InvalidArgumentError('It takes a span such as 30m, 12h or 7d, or an ISO time.');
  return new Date(at).toISOString();
}

function filterOf({ errorType, ...rest }: FilterFlags): DeadLetterFilter {
  return { ...rest, ...(errorType === undefined ? {} : { reason: errorType }) };
}

async function list(
  flags: FilterFlags & { readonly all?: true; readonly limit: number; readonly json?: true },
): Promise<void> {
  const { all, limit, json, ...rest } = flags;
  const filter = { ...filterOf(rest), settled: all === true };
  await withQueries(async (queries) => {
    const rows = await queries.deadLetters(filter, limit);
    if (json === true) {
      for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
      return;
    }
    const counts = await queries.countDeadLetters(filter);
    const total = counts.reduce((sum, { count }) => sum + count, 0);
    if (total === 0) return void process.stdout.write('No dead letters.\n');
    const cells = rows.map((row) => [
      timeText(row.decidedAt ?? row.updatedAt),
      row.failureReason ?? '',
      row.settlement ?? '',
      shown(nameOf(row), cellColumnsMax),
      visibleText(row.taskId),
    ]);
    const header = ['failed at (UTC)', 'error type', 'settled', 'track', 'task id'];
    process.stdout.write(`${formatTable([header, ...cells])}\n\n`);
    process.stdout.write(
      `${formatTable(
        counts.map(({ reason, count }) => [String(count), reason]),
        { right: [0], indent: 2 },
      )}\n`,
    );
    if (total > rows.length)
      process.stdout.write(`${rows.length} of ${total} are shown: --limit shows more.\n`);
  });
}

function nameOf({ artist, title, stream }: TaskRow): string {
  return artist === '' ? stream : `${artist} – ${title}`;
}

async function show(taskId: string): Promise<void> {
  const rows = await withQueries((queries) => queries.deadLetters({ taskIds: [taskId], settled: true }, 10));
  if (rows.length === 0) throw unknown(taskId);
  const ledger = await openLedgerAt(required(readConfig().ledgerUrl, 'LEDGER_URL'));
  try {
    for (const row of rows) {
      const events = await readRange(ledger, row.stream);
      const own = events.filter(({ metadata }) => metadata.taskId === taskId);
      process.stdout.write(
        `${JSON.stringify({ ...row, events: own.map(({ revision, type, data, metadata }) => ({ revision, type, data, metadata })) }, null, 2)}\n`,
      );
    }
  } finally {
    await ledger.close();
  }
}

function unknown(taskId: string): UserError {
  return new UserError(`There is no dead letter "${taskId}": \`dlq list\` lists them with their ids.`);
}

/** Those that are named, or that the filter finds; one of both has to be given. */
async function chosen(
  queries: Parameters<Parameters<typeof withQueries>[0]>[0],
  ids: readonly string[],
  flags: FilterFlags,
): Promise<readonly TaskRow[]> {
  const filter = filterOf(flags);
  if ((ids.length === 0) === (Object.keys(filter).length === 0)) {
    throw new UserError('Name task ids, or a filter such as --error-type unavailable: one of the two.', {
      exitCode: exitCodes.wrongUsage,
    });
  }
  if (ids.length === 0) return queries.deadLetters(filter, replaysMax);
  const rows = await queries.deadLetters({ taskIds: ids, settled: true }, replaysMax);
  const missing = ids.find((id) => !rows.some((row) => row.taskId === id));
  if (missing !== undefined) throw unknown(missing);
  return rows;
}

async function replay(
  ids: readonly string[],
  flags: FilterFlags & { readonly why: string; readonly rate: number; readonly dryRun?: true },
): Promise<void> {
  const { why, rate, dryRun, ...rest } = flags;
  await withOperator(async ({ queries, services, faults, by }) => {
    const rows = await chosen(queries, ids, rest);
    if (dryRun === true) return tellWhich('would be replayed', rows);
    const metrics = createMetrics(null);
    const note = (line: string) => void process.stderr.write(`${line}\n`);
    const { health } = readConfig();
    await withHealth({ health, metrics, reasons: async () => faults(), note }, async () => {
      let replayed = 0;
      for (const [n, row] of rows.entries()) {
        const startedMs = performance.now();
        const result = await replayDeadLetter(row, { by, why }, services);
        metrics.replays.inc({ status: result.kind });
        if (result.kind === 'not-replayed') {
          process.stderr.write(`${row.taskId} was not replayed: ${result.reason}\n`);
          process.exitCode = exitCodes.doneWithRejects;
        } else {
          replayed += 1;
          const again = result.kind === 'again' ? ' (again: it is unfinished)' : '';
          process.stdout.write(`${n + 1} of ${rows.length}  ${row.taskId} as ${result.newTaskId}${again}\n`);
        }
        if (n + 1 < rows.length) await sleep(Math.max(0, 1000 / rate - (performance.now() - startedMs)));
      }
      process.stdout.write(`${counted(replayed, 'dead letter')} replayed.\n`);
    });
  });
}

async function dismiss(
  ids: readonly string[],
  flags: FilterFlags & { readonly why: string; readonly dryRun?: true },
): Promise<void> {
  const { why, dryRun, ...rest } = flags;
  await withOperator(async ({ queries, services, by }) => {
    const rows = await chosen(queries, ids, rest);
    if (dryRun === true) return tellWhich('would be dismissed', rows);
    let dismissed = 0;
    for (const row of rows) {
      const fault =
        row.settlement === 'dismissed' ? null : await dismissDeadLetter(row, { by, why }, services);
      if (fault === null) {
        dismissed += 1;
        continue;
      }
      process.stderr.write(`${row.taskId} was not dismissed: ${fault}\n`);
      process.exitCode = exitCodes.doneWithRejects;
    }
    process.stdout.write(`${counted(dismissed, 'dead letter')} dismissed.\n`);
  });
}

function tellWhich(what: string, rows: readonly TaskRow[]): void {
  for (const row of rows)
    process.stdout.write(`${row.taskId}  ${row.failureReason}  ${shown(nameOf(row), cellColumnsMax)}\n`);
  process.stdout.write(`${counted(rows.length, 'dead letter')} ${what}.\n`);
}
