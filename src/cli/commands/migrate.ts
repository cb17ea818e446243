import { Command } from 'commander';
import { readConfig, required } from '../../config.ts';
import { attachTable } from '../../projections/attach-table.ts';
import { AttachedTableError } from '../../projections/attachment.ts';
import { detachTable } from '../../projections/detach-table.ts';
import { migrateProjections } from '../../projections/migrate.ts';
import { setSearchPath } from '../../projections/search-path.ts';
import { tool } from '../command-line.ts';
import { exitCodes } from '../exit-code.ts';
import { numberText } from '../number-text.ts';
import { UserError } from '../user-error.ts';

interface Options {
  readonly attach?: string;
  readonly key?: string;
  readonly detach?: true;
}

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('make or update the tables of the read models in DATABASE_URL; safe to repeat')
    .option('--attach <schema.table>', 'keep the columns of migration 008 in a table of yours as well')
    .option('--key <column>', 'with --attach: the column that holds the track ids')
    .option('--detach', 'take away from that table what --attach added')
    .addHelpText(
      'after',
      `
Examples:
  $ DATABASE_URL=postgres://… ${tool} migrate
  $ DATABASE_URL=postgres://… ${tool} migrate --attach public.tracks --key track_id`,
    )
    .action(migrate);
}

async function migrate({ attach, key, detach }: Options): Promise<void> {
  if ((attach === undefined) !== (key === undefined) || (detach === true && attach !== undefined)) {
    throw new UserError('It takes --attach with --key, or --detach, or neither.', {
      exitCode: exitCodes.wrongUsage,
    });
  }
  const url = required(readConfig().databaseUrl, 'DATABASE_URL, such as postgres://USER@HOST/DATABASE');
  if (detach === true) return say(await forPersons(detachTable({ url })).then(detached));
  await migrateProjections({ url });
  say('The read models are up to date: schema "enrichment".');
  const found = await setSearchPath(url);
  if (found !== null) say(`Sessions of role ${found.role} find them by name: search_path is ${found.path}.`);
  if (attach === undefined || key === undefined) return;
  const { table, added, rowsChanged, already } = await forPersons(attachTable({ url, table: attach, key }));
  const rows = `${numberText(rowsChanged)} ${rowsChanged === 1 ? 'row' : 'rows'}`;
  if (already) say(`${table} was attached before; brought in step: ${rows}.`);
  else {
    say(`${table} is attached: ${rows} got values, and the projector keeps it in step.`);
    if (added.length > 0) say(`Added: ${added.join(', ')}.`);
  }
}

function detached(table: string | null): string {
  return table === null ? 'No table is attached.' : `${table} is detached: what was added to it is gone.`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function forPersons<T>(done: Promise<T>): Promise<T> {
  return done.catch((cause: unknown) => {
    throw cause instanceof AttachedTableError ? new UserError(cause.message, { cause }) : cause;
  });
}
