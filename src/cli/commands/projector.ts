import { Command } from 'commander';
import { openLedgerAt } from '../../app.ts';
import { readConfig, required } from '../../config.ts';
import { startProjector } from '../../projections/projector.ts';
import { openProviderTotals } from '../../projections/provider-totals.ts';
import { createLogger } from '../../telemetry/logger.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { addProjectorGauges } from '../../telemetry/projector-metrics.ts';
import { tool } from '../command-line.ts';
import { ledgerReasons } from '../ledger-reasons.ts';
import { readProjector } from '../projector-readings.ts';
import { runService } from '../service.ts';

export function projectorCommand(): Command {
  return new Command('projector')
    .description('keep the read models in DATABASE_URL in step with the ledger, until it is stopped')
    .addHelpText('after', `\nExample:\n  $ LEDGER_URL=… DATABASE_URL=… ${tool} projector`)
    .action(project);
}

async function project(): Promise<void> {
  const config = readConfig();
  const url = required(config.databaseUrl, 'DATABASE_URL, such as postgres://USER@HOST/DATABASE');
  const ledgerUrl = required(config.ledgerUrl, 'LEDGER_URL, such as esdb://HOST:2113?tls=false');
  const logger = createLogger(config.serviceLogLevel);
  const ledger = await openLedgerAt(ledgerUrl);
  logger.info(await ledger.server());
  const projector = startProjector({
    ledger,
    url,
    onState(state, why) {
      if (why === null) logger.info(`the projector is ${state}`);
      else logger.error(`the read models do not follow: ${why}`);
    },
  });
  const metrics = createMetrics(null);
  const totals = openProviderTotals({ url });
  addProjectorGauges(metrics, () => readProjector({ projector, ledger, totals }));
  await runService(
    {
      failed: new Promise(() => undefined),
      reasons: async () => [...projector.fault(), ...(await ledgerReasons(ledger))],
      async stop() {
        await projector.stop();
        await totals.close();
        await ledger.close();
      },
    },
    { name: 'enrichment projector', health: config.health, metrics, logger },
  );
}
