import { Command } from 'commander';
import { type OpenLedger, openLedger } from '../../app.ts';
import { readConfig } from '../../config.ts';
import { streamPrefixes } from '../../domain/stream-names.ts';
import type { RecordedEvent } from '../../ledger/ledger.ts';
import { tool } from '../command-line.ts';
import { existingDataDir } from '../data-dir.ts';
import { everyEvent, exportLedger, exportLine, exportToFile, importLedger } from '../ledger-transfer.ts';
import { counted, numberText } from '../number-text.ts';
import { formatTable } from '../table.ts';
import { timeText } from '../time-text.ts';
import { UserError } from '../user-error.ts';
import { shown, visibleText } from '../visible-text.ts';
import { wholeNumber } from './option-values.ts';
import { defaultDataDir } from './run.ts';

interface LedgerFlags {
  readonly dataDir: string;
  readonly json?: true;
}

interface ReadFlags extends LedgerFlags {
  readonly backwards?: true;
  readonly limit: number;
}

const dataShownMax = 100;

export function ledgerCommand(): Command {
  const ledger = new Command('ledger')
    .description('look into the ledger: that of LEDGER_URL, else that of the data folder')
    .addHelpText(
      'after',
      `\nExamples:\n  $ ${tool} ledger stats\n  $ LEDGER_URL='esdb://localhost:2113?tls=false' ${tool} ledger tail`,
    );
  const below = (name: string, description: string) =>
    ledger
      .command(name)
      .description(description)
      .option('--data-dir <dir>', 'where the ledger lives', defaultDataDir);
  below('tail', 'print events as they are appended, until it is stopped')
    .option('--all', 'begin with those that are there')
    .option('--json', 'print JSON lines')
    .action((flags: LedgerFlags & { all?: true }) => withLedger(flags, (open) => tail(open, flags)));
  below('read', 'print the events of a stream')
    .argument('<stream>', 'its name, such as track-0edd7a4f56cd98ef')
    .option('--backwards', 'the newest first')
    .option('--limit <n>', 'at most so many', wholeNumber(1, 10_000), 10_000)
    .option('--json', 'print JSON lines')
    .action((stream: string, flags: ReadFlags) => withLedger(flags, (open) => read(open, stream, flags)));
  below('stats', 'count streams, and events by type')
    .option('--json', 'print JSON')
    .action((flags: LedgerFlags) => withLedger(flags, (open) => stats(open, flags)));
  below('export', 'write every event as a JSON line, in the order of the ledger')
    .argument('<file>', 'the file to write; "-" for standard output')
    .action((file: string, flags: LedgerFlags) =>
      withLedger(flags, async ({ ledger }) => {
        const count =
          file === '-' ? await exportLedger(ledger, process.stdout) : await exportToFile(ledger, file);
        process.stderr.write(`${counted(count, 'event')} exported.\n`);
      }),
    );
  below('import', 'append the events of an export, with their ids and revisions; safe to repeat')
    .argument('<file>', 'a file that `ledger export` wrote')
    .addHelpText(
      'after',
      `\nExample, from the embedded ledger to EventStoreDB:\n  $ ${tool} ledger export all.jsonl\n  $ LEDGER_URL='esdb://localhost:2113?tls=false' ${tool} ledger import all.jsonl`,
    )
    .action((file: string, flags: LedgerFlags) =>
      withLedger(
        flags,
        async ({ ledger }) => {
          const { events, streams } = await importLedger(ledger, file);
          process.stderr.write(`${counted(events, 'event')} of ${counted(streams, 'stream')} imported.\n`);
        },
        { mayBeNew: true },
      ),
    );
  return ledger;
}

async function withLedger(
  { dataDir }: LedgerFlags,
  use: (open: OpenLedger) => Promise<void>,
  { mayBeNew = false } = {},
): Promise<void> {
  const { ledgerUrl } = readConfig();
  if (ledgerUrl === null && !mayBeNew) await existingDataDir(dataDir);
  const open = await openLedger({ dataDir, ledgerUrl });
  try {
    await use(open);
  } catch (error) {
    throw open.fault() ?? error;
  } finally {
    await open.close();
  }
}

async function tail({ ledger }: OpenLedger, { all, json }: LedgerFlags & { all?: true }): Promise<void> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const after = all === true ? null : await ledger.head();
  for await (const message of ledger.subscribe({ prefixes: streamPrefixes, after, signal: abort.signal })) {
    if (message.kind === 'events') for (const event of message.events) print(event, json);
  }
}

async function read({ ledger }: OpenLedger, stream: string, flags: ReadFlags): Promise<void> {
  const direction = flags.backwards === true ? 'backwards' : 'forwards';
  const events = await ledger.read(stream, { direction, maxCount: flags.limit });
  if (events.length === 0) {
    throw new UserError(
      `There is no stream "${visibleText(stream)}": those of tracks are called track-ID, and \`track find WORDS\` tells the ID.`,
    );
  }
  for (const event of events) print(event, flags.json);
}

function print(event: RecordedEvent, json: true | undefined): void {
  if (json === true) {
    process.stdout.write(`${exportLine(event)}\n`);
    return;
  }
  const { stream, revision, type, data, metadata } = event;
  const at = typeof metadata.occurredAt === 'string' ? timeText(metadata.occurredAt) : '';
  const place = `${shown(stream, 60)}@${revision}`;
  process.stdout.write(`${at}  ${place}  ${shown(type, 40)}  ${shown(JSON.stringify(data), dataShownMax)}\n`);
}

async function stats({ ledger }: OpenLedger, { json }: LedgerFlags): Promise<void> {
  const byType = new Map<string, number>();
  const streams = new Set<string>();
  let events = 0;
  for await (const { stream, type } of everyEvent(ledger)) {
    events += 1;
    streams.add(stream);
    byType.set(type, (byType.get(type) ?? 0) + 1);
  }
  const types = [...byType].toSorted(([, one], [, other]) => other - one);
  if (json === true) {
    const document = { events, streams: streams.size, by_type: Object.fromEntries(types) };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return;
  }
  const rows = types.map(([type, count]) => [visibleText(type), numberText(count)]);
  process.stdout.write(`${counted(events, 'event')} in ${counted(streams.size, 'stream')}\n`);
  if (rows.length > 0) process.stdout.write(`${formatTable(rows, { right: [1], indent: 2 })}\n`);
}
