import { once } from 'node:events';
import { Command, InvalidArgumentError, Option } from 'commander';
import { isProvider, type Provider, providers } from '../../domain/provider.ts';
import { type Faults, noFaults } from '../../providers/simulator/faults.ts';
import { type Simulator, startSimulator } from '../../providers/simulator/simulator.ts';
import { catalogueOf } from '../catalogue-rows.ts';
import { tool } from '../command-line.ts';
import { UserError } from '../user-error.ts';
import { share, wholeNumber } from './option-values.ts';

interface SimulateFlags {
  readonly catalogue: string;
  readonly port: number;
  readonly seed: number;
  readonly unknown: number;
  readonly decoys: number;
  readonly latency: number;
  readonly errors: number;
  readonly musicbrainzBusy: number;
  readonly lastfmErrors: number;
  readonly throttle: number;
  readonly broken: number;
  readonly hang: number;
  readonly outage?: Faults['outage'];
  readonly liftRates?: true;
  readonly withParent?: true;
}

const realRates: Readonly<Record<Provider, number>> = { spotify: 5, musicbrainz: 1, lastfm: 5 };

export function simulateCommand(): Command {
  return new Command('simulate')
    .description('run a simulator of the three APIs until it is stopped')
    .requiredOption('--catalogue <file>', 'the tracks that it knows (CSV with a header, or JSON lines)')
    .option('--port <n>', 'the port on loopback; 0 takes any that is free', wholeNumber(0, 65_535), 4010)
    .option('--seed <n>', 'which tracks are unknown, and where faults strike', wholeNumber(0, 2 ** 31), 1)
    .option('--unknown <share>', 'share of tracks that a provider does not know', share, 0.05)
    .option('--decoys <share>', 'share of tracks with remixes, covers and the like beside them', share, 0.2)
    .option('--latency <ms>', 'how long an answer takes', wholeNumber(0, 60_000), 0)
    .option('--errors <share>', 'share of calls answered with a server error', share, 0)
    .option('--musicbrainz-busy <share>', 'share of MusicBrainz calls answered with its "busy" 503', share, 0)
    .option('--lastfm-errors <share>', 'share of Last.fm calls answered with an error in HTTP 200', share, 0)
    .option('--throttle <share>', 'share of calls refused with Retry-After', share, 0)
    .option('--broken <share>', 'share of answers that are cut off or HTML', share, 0)
    .option('--hang <share>', 'share of calls that are never answered', share, 0)
    .option('--outage <from-to[:provider]>', 'seconds after the start in which nothing answers', outage)
    .addOption(new Option('--with-parent', 'end with the process that started it').hideHelp())
    .option('--lift-rates', 'no rate limits (else Spotify 5/s, MusicBrainz 1/s, Last.fm 5/s)')
    .addHelpText('after', examples)
    .action(simulate);
}

const examples = `
It prints the environment that points this project at it, and at its end what it saw: calls, and calls that broke a
limit. The same while it runs: GET /simulator/report, and GET /simulator/calls for the last thousand calls.

Examples:
  $ ${tool} simulate --catalogue tracks.csv
  $ ${tool} simulate --catalogue tracks.csv --throttle 0.05 --outage 10-25:spotify`;

async function simulate(flags: SimulateFlags): Promise<void> {
  if (flags.withParent === true) {
    // It may have gone before we could listen to its going.
    if (!process.connected) return;
    process.on('disconnect', () => process.exit(0));
  }
  const unlimited = Number.POSITIVE_INFINITY;
  const simulator = await start({
    tracks: catalogueOf(flags.catalogue),
    port: flags.port,
    seed: flags.seed,
    unknownShare: flags.unknown,
    decoyShare: flags.decoys,
    latencyMs: flags.latency,
    ratesPerSecond:
      flags.liftRates === true
        ? { spotify: unlimited, musicbrainz: unlimited, lastfm: unlimited }
        : realRates,
    faults: {
      ...noFaults,
      errorShare: flags.errors,
      musicbrainzBusyShare: flags.musicbrainzBusy,
      lastfmErrorShare: flags.lastfmErrors,
      throttleShare: flags.throttle,
      brokenBodyShare: flags.broken,
      hangShare: flags.hang,
      outage: flags.outage ?? null,
    },
  });
  const settings = Object.entries(simulator.environment).map(([name, value]) => `${name}='${value}'`);
  process.stdout.write(`# ${simulator.catalogue.size} tracks at ${simulator.url}\n${settings.join('\n')}\n`);
  process.send?.({ environment: simulator.environment });
  process.on('message', () => process.send?.({ report: simulator.report() }));
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  for (const provider of providers) {
    const { calls, answered, violations, closestMs } = simulator.report()[provider];
    const closest = closestMs === null ? '' : `, closest ${closestMs.toFixed(0)} ms apart`;
    process.stdout.write(
      `${provider}: ${calls} calls, ${answered} answered, ${violations} too early${closest}\n`,
    );
  }
  await simulator.close();
  process.disconnect?.();
}

async function start(options: Parameters<typeof startSimulator>[0]): Promise<Simulator> {
  try {
    return await startSimulator(options);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new UserError(`Port ${options.port} is in use: choose another with --port, or 0 for any.`, {
      cause,
    });
  }
}

function outage(text: string): Faults['outage'] {
  const [, from, to, provider] = /^(\d+)-(\d+)(?::(\w+))?$/.exec(text) ?? [];
  if (from === undefined || Number(to) <= Number(from) || (provider !== undefined && !isProvider(provider))) {
    throw new InvalidArgumentError(
      'It takes FROM-TO in seconds, with :PROVIDER after it for only one of them.',
    );
  }
  return { fromSeconds: Number(from), toSeconds: Number(to), provider: provider ?? 'all' };
}
