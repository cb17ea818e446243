import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type Config, readConfig } from '../config.ts';
import { providers } from '../domain/provider.ts';
import type { MeterReport } from '../providers/simulator/call-meter.ts';
import { UserError } from './user-error.ts';

/** The providers of a run: the real ones, or a simulator in a process of its own. */
export interface ProviderWorld {
  readonly config: Config;
  /** One line for each provider whose limit the run broke. */
  violations(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface SimulatedOptions {
  readonly simulate: boolean;
  /** The file whose tracks the simulator knows. */
  readonly file: string;
  readonly simLatency: number;
  readonly simSeed: number;
  readonly simUnknown: number;
  readonly simDecoys: number;
  readonly simErrors: number;
  readonly liftRates?: true;
}

const startMsMax = 60_000;
const answerMsMax = 5000;

/** @throws UserError where no provider can be asked, or the simulator does not start */
export async function simulated(options: SimulatedOptions): Promise<ProviderWorld> {
  if (!options.simulate) return realWorld();
  // What is wrong with the environment is said before anything is started.
  readConfig();
  const child = fork(process.argv[1] ?? '', simulateArguments(options), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Ctrl-C reaches the whole group of the terminal; the simulator has to outlast what is in flight.
    detached: true,
  });
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const forced = setTimeout(() => child.kill('SIGKILL'), answerMsMax);
    await gone;
    clearTimeout(forced);
  };
  const { environment } = await message<{ environment: Record<string, string> }>(child, startMsMax).catch(
    (error: unknown) => close().then(() => Promise.reject(error)),
  );
  return {
    config: readConfig(environment),
    async violations() {
      child.send({ ask: 'report' });
      const { report } = await message<{ report: Readonly<Record<string, MeterReport>> }>(child, answerMsMax);
      return providers.flatMap((provider) => {
        const count = report[provider]?.violations ?? 0;
        return count === 0
          ? []
          : [`The simulator counted ${count} calls to ${provider} that broke its rate limit.`];
      });
    },
    close,
  };
}

function realWorld(): ProviderWorld {
  const config = readConfig();
  const configured = [config.spotify.credentials, config.musicbrainz.userAgent, config.lastfm.apiKey];
  if (configured.every((one) => one === null)) {
    throw new UserError(
      "No provider is configured: set MUSICBRAINZ_USER_AGENT='my-app/1.0 ( me@example.org )' (it needs no key), SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET, or LASTFM_API_KEY; or try --simulate.",
    );
  }
  return { config, violations: async () => [], close: async () => undefined };
}

function simulateArguments(options: SimulatedOptions): string[] {
  const args = ['simulate', '--with-parent', '--port', '0', '--catalogue', options.file];
  const values = {
    latency: options.simLatency,
    seed: options.simSeed,
    unknown: options.simUnknown,
    decoys: options.simDecoys,
    errors: options.simErrors,
  };
  for (const [name, value] of Object.entries(values)) args.push(`--${name}`, String(value));
  if (options.liftRates === true) args.push('--lift-rates');
  return args;
}

async function message<Content>(child: ChildProcess, withinMs: number): Promise<Content> {
  const signal = AbortSignal.timeout(withinMs);
  const ended = new AbortController();
  try {
    const said = once(child, 'message', { signal });
    const died = once(child, 'exit', { signal: ended.signal }).then(() => {
      throw new UserError('The simulator stopped before its time; what it said stands above.');
    });
    const [content] = (await Promise.race([said, died])) as [Content];
    return content;
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`The simulator did not answer within ${withinMs / 1000} s.`, { cause });
  } finally {
    ended.abort();
  }
}
