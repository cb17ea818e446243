import { Command } from 'commander';
import { openLedgerAt } from '../../app.ts';
import { readConfig, required } from '../../config.ts';
import { migrateProjections } from '../../projections/migrate.ts';
import { startProjector } from '../../projections/projector.ts';
import { createLogger } from '../../telemetry/logger.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { tool } from '../command-line.ts';
import { ledgerReasons } from '../ledger-reasons.ts';
import { runService } from '../service.ts';

const databaseVariable = 'DATABASE_URL, such as postgres://USER@HOST/DATABASE';

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('make or update the tables of the read models in DATABASE_URL; safe to repeat')
    .addHelpText('after', `\nExample:\n  $ DATABASE_URL=postgres://… ${tool} migrate`)
    .action(async () => {
      const url = required(readConfig().databaseUrl, databaseVariable);
      await migrateProjections({ url });
      process.stdout.write('The read models are up to date: schema "enrichment".\n');
    });
}

export function projectorCommand(): Command {
  return new Command('projector')
    .description('keep the read models in DATABASE_URL in step with the ledger, until it is stopped')
    .addHelpText('after', `\nExample:\n  $ LEDGER_URL=… DATABASE_URL=… ${tool} projector`)
    .action(project);
}

async function project(): Promise<void> {
  const config = readConfig();
  const url = required(config.databaseUrl, databaseVariable);
  const ledgerUrl = required(config.ledgerUrl, 'LEDGER_URL, such as esdb://HOST:2113?tls=false');
  const logger = createLogger(config.serviceLogLevel);
  const ledger = await openLedgerAt(ledgerUrl);
  logger.info(await ledger.server());
  const projector = startProjector({ ledger, url });
  await runService(
    {
      failed: projector.failed,
      reasons: async () => [...projector.fault(), ...(await ledgerReasons(ledger))],
      async stop() {
        await projector.stop();
        await ledger.close();
      },
    },
    { name: 'enrichment projector', health: config.health, metrics: createMetrics(null), logger },
  );
}
