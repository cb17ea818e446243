import { Command } from 'commander';
import { readConfig, required, terminalOf } from '../../config.ts';
import { EnrichmentQueuePublisher, type EnrichmentTask, taskIdOfRow } from '../../queue/publisher.ts';
import { QueueUnavailable, type RabbitmqAddress } from '../../queue/rabbitmq-connection.ts';
import { checkTopology, initTopology } from '../../queue/rabbitmq-init.ts';
import { laneQueuesOf } from '../../queue/topology.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { publishAgain } from '../../workers/operator.ts';
import { withHealth } from '../command-health.ts';
import { tool } from '../command-line.ts';
import { exitCodes } from '../exit-code.ts';
import type { InputRow, RejectedRow } from '../input/input-row.ts';
import { countRowsRoughly, type InputSource, openInputFile } from '../input/input-source.ts';
import { readRows } from '../input/read-rows.ts';
import { counted } from '../number-text.ts';
import { withOperator } from '../operator-session.ts';
import { createProgress, isInteractive } from '../progress.ts';
import { type Published, publishRows } from '../publish-rows.ts';
import { createRejectsFile } from '../rejects.ts';
import { UserError } from '../user-error.ts';
import { visibleText } from '../visible-text.ts';
import { wholeNumber } from './option-values.ts';

/** Overdue tasks of one go. */
const overdueMax = 100_000;
const rabbitmqVariables =
  'RABBITMQ_USER and RABBITMQ_PASS (and RABBITMQ_HOST, RABBITMQ_PORT where they differ)';

export function queueCommand(): Command {
  const queue = new Command('queue').description('the queues on RabbitMQ: make them, publish to them');
  queue
    .command('init')
    .description('declare queues, exchanges and policies; safe to repeat')
    .addHelpText('after', `\nExample:\n  $ RABBITMQ_USER=… RABBITMQ_PASS=… ${tool} queue init`)
    .action(init);
  queue
    .command('publish')
    .description('publish the tracks of a file as tasks (CSV with a header, or JSON lines)')
    .argument('[file]', 'the tracks, as for "run"; - is standard input')
    .option('--generate <n>', 'instead of a file: so many test tasks', wholeNumber(1, 100_000_000))
    .option('--priority <n>', 'for rows without one of their own', wholeNumber(0, 10))
    .option('--json', 'print the summary as JSON on standard output')
    .addHelpText(
      'after',
      `
Examples:
  $ ${tool} queue publish tracks.csv
  $ ${tool} queue publish --generate 1000

The same file again makes no new tasks. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done, but some rows were
rejected or refused; they stand in FILE.rejects.jsonl with their line.`,
    )
    .action(publish);
  queue
    .command('reconcile')
    .description(
      'publish again what the ledger says is overdue: tasks, retries and follow-ups; safe at any time',
    )
    .option('--overdue-by <minutes>', 'how long they have to be overdue', wholeNumber(1, 1_000_000), 60)
    .option('--dry-run', 'only say which')
    .addHelpText('after', `\nExample:\n  $ ${tool} queue reconcile --dry-run`)
    .action(reconcile);
  return queue;
}

async function reconcile(flags: { readonly overdueBy: number; readonly dryRun?: true }): Promise<void> {
  const dryRun = flags.dryRun === true;
  await withOperator(async ({ queries, services }) => {
    const before = new Date(services.now() - flags.overdueBy * 60_000).toISOString();
    let messages = 0;
    const overdue = await queries.overdue(before, overdueMax);
    for (const task of overdue) {
      const published = await publishAgain(task, services, dryRun);
      messages += published;
      if (published > 0)
        process.stdout.write(
          `${task.taskId}  ${visibleText(task.stream)}  ${counted(published, 'message')}\n`,
        );
    }
    process.stdout.write(`${counted(messages, 'message')} ${dryRun ? 'would be ' : ''}published again.\n`);
    if (overdue.length === overdueMax)
      process.stdout.write('There may be more: run it again when the workers have caught up.\n');
  });
}

async function init(): Promise<void> {
  const { rabbitmq, queueType } = readConfig();
  const { managementUrl, ...address } = required(rabbitmq, rabbitmqVariables);
  const report = await initTopology({ address, managementUrl, type: queueType });
  const lines = [
    report.server,
    ...report.made.map((what) => `  ok  ${what}`),
    ...report.notes.map((note) => `  note: ${note}`),
    ...report.byHand.map(
      (command) =>
        `  The management API at ${managementUrl} did not do it. Run this where the broker is:\n    ${command}`,
    ),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  for (const difference of report.differences) process.stderr.write(`${difference}\n`);
  if (report.differences.length > 0) process.exitCode = exitCodes.failed;
}

interface PublishFlags {
  readonly generate?: number;
  readonly priority?: number;
  readonly json?: true;
}

async function publish(file: string | undefined, flags: PublishFlags): Promise<void> {
  const { rabbitmq, health } = readConfig();
  const { managementUrl: _, ...address } = required(rabbitmq, rabbitmqVariables);
  if ((file === undefined) === (flags.generate === undefined)) {
    throw new UserError('Name a file, or say --generate N: one of the two.', {
      exitCode: exitCodes.wrongUsage,
    });
  }
  const source = file === undefined ? null : file === '-' ? standardInput() : await openInputFile(file);
  await checkQueues(address);
  const total = source === null ? (flags.generate ?? 0) : await countRowsRoughly(source);
  const label = source === null ? 'test tasks' : source.name;
  const rejects = createRejectsFile({ dataDir: '.', inputName: label });
  const publisher = new EnrichmentQueuePublisher(address, { name: 'enrichment-queue-publish' });
  const metrics = createMetrics(null);
  const isTTY = isInteractive(process.stderr, terminalOf());
  const progress = createProgress({ stream: process.stderr, isTTY, total, label });
  const rows = source === null ? generated(flags.generate ?? 0) : readRows(source);
  let published: Published;
  const reasons = async () => publisher.faults();
  try {
    published = await withHealth({ health, metrics, reasons, note: progress.note }, () =>
      publishRows({
        rows,
        publisher,
        taskOf: (row) => taskOf(row, flags.priority ?? null),
        onReject: (row) => rejects.add(row),
        onProgress: (done, failed) => progress.update({ done, enriched: done - failed, failed, waiting: 0 }),
        onOffered: (queue, result) => metrics.published.inc({ queue, result }),
      }),
    );
  } catch (error) {
    if (!(error instanceof QueueUnavailable)) throw error;
    const again = 'Run the same command again: what was published makes no new tasks.';
    throw new UserError(`${error.message} ${again}`, { cause: error });
  } finally {
    progress.finish();
    await publisher.close();
    await rejects.close();
  }
  const { confirmed, rejected } = published;
  const all = Object.values(confirmed).reduce((sum, count) => sum + count, 0);
  if (flags.json === true) process.stdout.write(`${JSON.stringify(published)}\n`);
  else {
    process.stdout.write(`Published enrichment task: ${all} confirmed.\n`);
    for (const [queue, count] of Object.entries(confirmed)) process.stdout.write(`  ${count}  ${queue}\n`);
    if (rejected > 0) process.stdout.write(`  ${rejected} not published: see ${rejects.path}\n`);
  }
  if (rejected > 0) process.exitCode = exitCodes.doneWithRejects;
}

/** So that a wrong address, user or missing queue is told at once, not after the patience for an outage. */
async function checkQueues(address: RabbitmqAddress): Promise<void> {
  const { server, missing } = await checkTopology(address, {
    queues: Object.values(laneQueuesOf(address)),
    exchanges: [],
  });
  if (missing.length > 0) {
    const names = missing.map((one) => `"${one}"`).join(', ');
    throw new UserError(`${server} lacks ${names}: run "${tool} queue init" first.`);
  }
}

function standardInput(): InputSource {
  return { name: 'stdin', size: null, open: () => process.stdin };
}

function taskOf(row: InputRow, priority: number | null): EnrichmentTask {
  const { trackId, source } = row;
  const given = row.priority ?? priority;
  return { ...row, priority: given, source, taskId: taskIdOfRow(trackId, row.row) };
}

/** Tasks as the guide's benchmark has them. */
async function* generated(count: number): AsyncIterable<InputRow | RejectedRow> {
  for (let n = 0; n < count; n++) {
    yield {
      kind: 'row',
      row: n + 1,
      line: n + 1,
      lineCount: 1,
      trackId: `test_${n}`,
      artist: `Test Artist ${n % 97}`,
      title: `Test Track ${n}`,
      isrc: null,
      durationMs: null,
      spotifyId: null,
      musicbrainzId: null,
      priority: null,
      source: null,
      forceRefresh: false,
      extra: {},
      ignored: [],
    };
  }
}
