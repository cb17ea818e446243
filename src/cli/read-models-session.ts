import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { openLedgerAt, openStore } from '../app.ts';
import { readConfig, required } from '../config.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { existingDataDir } from './data-dir.ts';

/** Where the read models are, and the ledger that they are made from. */
export interface ReadModelsSession {
  readonly ledger: Ledger;
  readonly url: string;
  /** Who does it. */
  readonly by: string;
}

export interface ReadModelsFlags {
  readonly dataDir?: string;
}

/** Those of DATABASE_URL and LEDGER_URL, or of a data folder. */
export function withDataDir(command: Command): Command {
  return command.option(
    '--data-dir <dir>',
    'the data folder, where DATABASE_URL does not say another database',
  );
}

export async function withReadModels<Value>(
  { dataDir }: ReadModelsFlags,
  use: (session: ReadModelsSession) => Promise<Value>,
): Promise<Value> {
  const config = readConfig();
  const by = userInfo().username;
  if (dataDir === undefined) {
    const url = required(config.databaseUrl, 'DATABASE_URL and LEDGER_URL, or --data-dir');
    const ledger = await openLedgerAt(required(config.ledgerUrl, 'LEDGER_URL'));
    return use({ ledger, url, by }).finally(() => ledger.close());
  }
  const store = await openStore({
    dataDir: await existingDataDir(dataDir),
    ledgerUrl: config.ledgerUrl,
  });
  return use({ ledger: store.ledger, url: store.databaseUrl, by }).finally(() => store.close());
}
