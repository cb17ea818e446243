import { Argument, Command } from 'commander';
import { createRedis } from '../../cache/redis-client.ts';
import { readConfig, required } from '../../config.ts';
import { type Provider, providers } from '../../domain/provider.ts';
import { createRedisGates, type RedisGates } from '../../providers/redis-gates.ts';
import { tool } from '../command-line.ts';
import { durationText } from '../duration-text.ts';
import { providerNames } from '../provider-name.ts';
import { formatTable } from '../table.ts';
import { UserError } from '../user-error.ts';
import { wholeNumber } from './option-values.ts';

const answerMsMax = 5000;

export function gateCommand(): Command {
  const gate = new Command('gate').description(
    'the gates that workers share in Redis: who may call, and when',
  );
  gate
    .command('status')
    .description('every gate: open to calls or not, and when the next call may be made')
    .addHelpText('after', `\nExample:\n  $ REDIS_HOST=localhost ${tool} gate status`)
    .action(() => withGates(status));
  gate
    .command('close')
    .description('let nobody call a provider for a while')
    .addArgument(new Argument('<provider>').choices([...providers]))
    .option('--minutes <n>', 'for how long', wholeNumber(1, 7 * 24 * 60), 60)
    .action((provider: Provider, { minutes }: { readonly minutes: number }) =>
      withGates(async (gates) => {
        await gates.shut(provider, minutes * 60_000);
        await status(gates);
      }),
    );
  gate
    .command('open')
    .description('let calls through again, whatever closed the gate')
    .addArgument(new Argument('<provider>').choices([...providers]))
    .action((provider: Provider) =>
      withGates(async (gates) => {
        await gates.open(provider);
        await status(gates);
      }),
    );
  return gate;
}

async function withGates(use: (gates: RedisGates) => Promise<void>): Promise<void> {
  const { redis, gateLimits } = readConfig();
  const address = required(redis, 'REDIS_HOST');
  const gates = createRedisGates({ redis: createRedis(address, answerMsMax), limits: gateLimits });
  try {
    await use(gates);
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

async function status(gates: RedisGates): Promise<void> {
  const rows: string[][] = [];
  for (const provider of providers) {
    const { circuit, nextFreeInMs, closedForMs } = await gates.status(provider);
    const next = nextFreeInMs === 0 ? 'now' : `in ${durationText(nextFreeInMs)}`;
    rows.push([
      providerNames[provider],
      words[circuit],
      closedForMs > 0 ? `for ${durationText(closedForMs)}` : '',
      `next call ${next}`,
    ]);
  }
  process.stdout.write(`${formatTable(rows)}\n`);
}
