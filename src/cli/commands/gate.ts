import { userInfo } from 'node:os';
import { Argument, Command } from 'commander';
import { createRedis } from '../../cache/redis-client.ts';
import { type Config, readConfig, required } from '../../config.ts';
import { type Provider, providers } from '../../domain/provider.ts';
import { createRedisGates, type RedisGates } from '../../providers/redis-gates.ts';
import { tool } from '../command-line.ts';
import { durationText } from '../duration-text.ts';
import { numberText } from '../number-text.ts';
import { providerNames } from '../provider-name.ts';
import { formatTable } from '../table.ts';
import { timeText } from '../time-text.ts';
import { UserError } from '../user-error.ts';
import { shown } from '../visible-text.ts';
import { wholeNumber } from './option-values.ts';

const answerMsMax = 5000;
const minutesMax = 7 * 24 * 60;
const closedByColumnsMax = 40;

export function gateCommand(): Command {
  const gate = new Command('gate').description(
    'the gates that workers share in Redis: who may call, and when',
  );
  gate
    .command('status')
    .description('every gate: open to calls or not, who closed it and until when, and what today has cost')
    .addHelpText('after', `\nExample:\n  $ REDIS_HOST=localhost ${tool} gate status`)
    .action(() => withGates(status));
  gate
    .command('close')
    .description('let nobody call a provider for a while')
    .addArgument(new Argument('<provider>').choices([...providers]))
    .option('--minutes <n>', 'for how long, at most a week', wholeNumber(1, minutesMax), 60)
    .option('--by <name>', 'who closes it', operatorName())
    .action((provider: Provider, { minutes, by }: { readonly minutes: number; readonly by: string }) =>
      withGates(async (gates, limits) => {
        await gates.shut(provider, minutes * 60_000, `by ${by}`);
        await status(gates, limits);
      }),
    );
  gate
    .command('open')
    .description('let calls through again, whatever closed the gate; a budget stays spent')
    .addArgument(new Argument('<provider>').choices([...providers]))
    .action((provider: Provider) =>
      withGates(async (gates, limits) => {
        await gates.open(provider);
        await status(gates, limits);
      }),
    );
  return gate;
}

/** The user of the system; in a container it may have none. */
function operatorName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'an operator';
  }
}

type Limits = Config['gateLimits'];

async function withGates(use: (gates: RedisGates, limits: Limits) => Promise<void>): Promise<void> {
  const { redis, gateLimits } = readConfig();
  const address = required(redis, 'REDIS_HOST');
  const gates = createRedisGates({ redis: createRedis(address, answerMsMax), limits: gateLimits });
  try {
    await use(gates, gateLimits);
  } catch (cause) {
    throw new UserError(
      `Redis at ${address.host}:${address.port} does not answer: check REDIS_HOST, REDIS_PORT and REDIS_PASSWORD.`,
      { cause },
    );
  } finally {
    await gates.close();
  }
}

const words = { closed: 'calls pass', 'half-open': 'one call probes', open: 'closed' } as const;
const closers: Readonly<Record<string, string>> = {
  provider: 'as the provider asked',
  failures: 'after failures in a row',
};

async function status(gates: RedisGates, limits: Limits): Promise<void> {
  const rows: string[][] = [];
  for (const provider of providers) {
    const { circuit, nextFreeInMs, closedForMs, closedBy, spentToday } = await gates.status(provider);
    const { callsPerDay } = limits[provider];
    const next = nextFreeInMs === 0 ? 'now' : `in ${durationText(nextFreeInMs)}`;
    const until = timeText(new Date(Date.now() + closedForMs).toISOString()).slice(0, -4);
    const budget = Number.isFinite(callsPerDay) ? ` of ${numberText(callsPerDay)}` : '';
    rows.push([
      providerNames[provider],
      words[circuit],
      closedForMs > 0 ? `for ${durationText(closedForMs)}, until ${until} UTC` : '',
      closers[closedBy] ?? shown(closedBy, closedByColumnsMax),
      `next call ${next}`,
      `${numberText(spentToday)}${budget} calls today`,
    ]);
  }
  process.stdout.write(`${formatTable(rows)}\n`);
}
