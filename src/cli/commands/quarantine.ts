import { Command } from 'commander';
import { listQuarantine, type QuarantineRow, requestRelease } from '../../projections/quarantine-queries.ts';
import { readModelNames } from '../../projections/read-model.ts';
import { tool } from '../command-line.ts';
import { counted } from '../number-text.ts';
import { type ReadModelsFlags, withDataDir, withReadModels } from '../read-models-session.ts';
import { formatTable } from '../table.ts';
import { timeText } from '../time-text.ts';
import { UserError } from '../user-error.ts';
import { shown, visibleText } from '../visible-text.ts';

const errorColumnsMax = 80;

export function quarantineCommand(): Command {
  const quarantine = new Command('quarantine').description(
    'streams that a read model cannot follow, because it could not take an event; the others go on',
  );
  withDataDir(quarantine.command('list'))
    .description('list them')
    .option('--json', 'a JSON line for each')
    .action((flags: ReadModelsFlags & { readonly json?: true }) =>
      withReadModels(flags, async ({ url }) => {
        const rows = await listQuarantine(url);
        if (flags.json === true) {
          for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
          return;
        }
        process.stdout.write(
          rows.length === 0 ? 'Nothing is parked.\n' : `${formatTable(rows.map(cellsOf))}\n`,
        );
      }),
    );
  withDataDir(quarantine.command('show'))
    .description('the event that could not be taken, as the ledger has it')
    .argument('<stream>', 'such as track-0edd7a4f56cd98ef')
    .action((stream: string, flags: ReadModelsFlags) =>
      withReadModels(flags, async ({ url, ledger }) => {
        const rows = (await listQuarantine(url)).filter((row) => row.stream === stream);
        if (rows.length === 0) throw notParked(stream);
        for (const row of rows) {
          const [event = null] = await ledger.read(stream, { from: row.revision, maxCount: 1 });
          process.stdout.write(`${JSON.stringify({ ...row, event }, null, 2)}\n`);
        }
      }),
    );
  for (const [name, text, example] of [
    ['retry', 'have the projector take the event once more, and all that came since', ''],
    ['skip', 'have it pass over that one event, in this and every later rebuild', ' --why "not ours"'],
  ] as const) {
    withDataDir(quarantine.command(name))
      .description(text)
      .argument('<stream>', 'such as track-0edd7a4f56cd98ef; "all": every one')
      .option('--read-model <name>', `one of ${readModelNames.join(', ')}; else all of them`)
      .option('--why <text>', 'why', 'asked for at the command line')
      .addHelpText(
        'after',
        `\nExample:\n  $ ${tool} projections quarantine ${name} track-0edd7a4f56cd98ef${example}`,
      )
      .action(
        (stream: string, flags: ReadModelsFlags & { readonly readModel?: string; readonly why: string }) =>
          withReadModels(flags, async ({ url, by }) => {
            const count = await requestRelease(url, {
              request: name,
              stream: stream === 'all' ? null : stream,
              readModel: flags.readModel ?? null,
              by,
              why: flags.why,
            });
            if (count === 0) throw notParked(stream);
            process.stdout.write(
              `Asked for ${counted(count, 'time')}: the active projector does it within seconds.\n`,
            );
          }),
      );
  }
  return quarantine;
}

function cellsOf(row: QuarantineRow): string[] {
  const { readModel, stream, revision, eventType, seenRevision, attempts, error, request } = row;
  return [
    timeText(row.parkedAt),
    readModel,
    visibleText(`${stream}@${revision}`),
    visibleText(eventType),
    `${seenRevision - revision} behind`,
    attempts > 1 ? `${attempts} tries` : '',
    request === null ? '' : `${request} asked for`,
    shown(error, errorColumnsMax),
  ];
}

function notParked(stream: string): UserError {
  return new UserError(`"${stream}" is not parked: "projections quarantine list" lists what is.`);
}
