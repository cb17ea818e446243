import { Command } from 'commander';
import { type OpenLedger, openLedger } from '../../app.ts';
import { type Config, readConfig } from '../../config.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { checkTopology, neededByWorkers } from '../../queue/rabbitmq-init.ts';
import { laneQueuesOf } from '../../queue/topology.ts';
import { tool } from '../command-line.ts';
import { exitCodes } from '../exit-code.ts';
import { formatTable } from '../table.ts';
import { explainError, UserError } from '../user-error.ts';
import { defaultDataDir } from './run.ts';

const latencyProbes = 5;
const caughtUpMsMax = 10_000;

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly said: string;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'check the configuration, the ledger and the broker: versions, latency, whether what we need is there',
    )
    .option('--data-dir <dir>', 'where the ledger lives, without LEDGER_URL', defaultDataDir)
    .addHelpText('after', `\nExample:\n  $ LEDGER_URL='esdb://localhost:2113?tls=false' ${tool} doctor`)
    .action(doctor);
}

async function doctor({ dataDir }: { readonly dataDir: string }): Promise<void> {
  const findings: Finding[] = [];
  const check = async (what: string, look: () => Promise<string>): Promise<boolean> => {
    const finding = await look().then(
      (said) => ({ what, ok: true, said }),
      (error: unknown) => ({ what, ok: false, said: explainError(error) }),
    );
    findings.push(finding);
    return finding.ok;
  };

  await check('Node', async () => process.version);
  let ledgerUrl: string | null = null;
  let rabbitmq: Config['rabbitmq'] = null;
  const configured = await check('configuration', async () => {
    const { spotify, musicbrainz, lastfm, ...config } = readConfig();
    ledgerUrl = config.ledgerUrl;
    rabbitmq = config.rabbitmq;
    const asked = [
      spotify.credentials === null ? [] : 'Spotify',
      musicbrainz.userAgent === null ? [] : 'MusicBrainz',
      lastfm.apiKey === null ? [] : 'Last.fm',
    ].flat();
    return asked.length === 0 ? 'no provider is configured: --simulate alone will work' : asked.join(', ');
  });
  if (configured) {
    let opened: OpenLedger | null = null;
    await check('ledger', async () => {
      opened = await openLedger({ dataDir, ledgerUrl });
      return `${await opened.ledger.server()}, ${ledgerUrl === null ? `in ${dataDir}` : 'at LEDGER_URL'}`;
    });
    const { ledger, close } = (opened as OpenLedger | null) ?? {};
    if (ledger !== undefined && close !== undefined) {
      await check('latency of a read', () => latency(ledger));
      await check('subscription by prefix', () => caughtUp(ledger));
      await close();
    }
  }
  const broker = rabbitmq as Config['rabbitmq'];
  if (broker !== null) {
    await check('RabbitMQ', async () => {
      const { server, missing } = await checkTopology(broker, neededByWorkers(laneQueuesOf(broker)));
      if (missing.length > 0)
        throw new UserError(`${server} lacks ${missing.join(', ')}: run "${tool} queue init".`);
      return `${server}, every queue is there`;
    });
  }
  const rows = findings.map(({ what, ok, said }) => [ok ? 'ok' : 'NO', what, said]);
  process.stdout.write(`${formatTable(rows)}\n`);
  if (findings.some(({ ok }) => !ok)) process.exitCode = exitCodes.failed;
}

async function latency(ledger: Ledger): Promise<string> {
  const times: number[] = [];
  for (let probe = 0; probe < latencyProbes; probe++) {
    const startedMs = performance.now();
    await ledger.head();
    times.push(performance.now() - startedMs);
  }
  const median = times.toSorted((one, other) => one - other)[Math.floor(latencyProbes / 2)] ?? 0;
  return `${median.toFixed(1)} ms (median of ${latencyProbes})`;
}

/** Follows nothing at all, from the end, until that is caught up with. */
async function caughtUp(ledger: Ledger): Promise<string> {
  const signal = AbortSignal.timeout(caughtUpMsMax);
  const after = await ledger.head();
  for await (const message of ledger.subscribe({ prefixes: ['doctor-'], after, signal })) {
    if (message.kind === 'caught-up') return 'caught up';
  }
  throw new Error(`It was not caught up within ${caughtUpMsMax / 1000} s.`);
}
