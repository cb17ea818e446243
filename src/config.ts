import { z } from 'zod';
import { defaultGateLimits, type GateLimits } from './domain/gate-limits.ts';
import { type Provider, providers } from './domain/provider.ts';
import { defaultRetryPolicy, type RetryPolicy } from './domain/retry-policy.ts';

/** Everything that the environment can say, checked together at start. Durations in milliseconds. */
export interface Config {
  readonly spotify: {
    readonly baseUrl: string;
    readonly tokenUrl: string;
    readonly credentials: SpotifyKeys | null;
  };
  readonly musicbrainz: { readonly baseUrl: string; readonly userAgent: string | null };
  readonly lastfm: { readonly baseUrl: string; readonly apiKey: string | null };
  readonly gateLimits: Readonly<Record<Provider, GateLimits>>;
  readonly policy: RetryPolicy;
  readonly patience: { readonly requestMs: number; readonly followUpMs: number };
  readonly callTimeoutMs: number;
  readonly cacheTtlMs: Readonly<Record<Provider, number>>;
  readonly cacheMissingTtlMs: number;
  readonly cacheBytesMax: number;
  /** Where the ledger is; null: in the data folder. */
  readonly ledgerUrl: string | null;
  /** Null where no user is set: then there is no broker. */
  readonly rabbitmq: RabbitmqConfig | null;
  readonly queueType: 'classic' | 'quorum';
  /** Tasks that a worker has in hand at a time. */
  readonly prefetch: number;
  /** What workers share; null: each has a cache and gates of its own. */
  readonly redis: RedisConfig | null;
  /** Where the read models are, `postgres://…`; null: in the data folder. */
  readonly databaseUrl: string | null;
  readonly health: { readonly host: string; readonly port: number };
  readonly logLevel: LogLevel;
  /** Of what runs until it is stopped: its log is all that one sees of it. */
  readonly serviceLogLevel: LogLevel;
}

export interface RedisConfig {
  readonly host: string;
  readonly port: number;
  readonly password: string | null;
}

export interface RabbitmqConfig {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly vhost: string;
  readonly managementUrl: string;
  /** Of the real-time queue; left out: the usual one. */
  readonly queueName?: string;
}

export interface SpotifyKeys {
  readonly clientId: string;
  readonly clientSecret: string;
}

const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Every fault of the environment at once, each naming its variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const seconds = (fallback: number) =>
  z.coerce.number('it takes seconds, as a number').positive().max(1e9).default(fallback);
const rate = (fallback: number) =>
  z
    .union(
      [z.literal('off').transform(() => Number.POSITIVE_INFINITY), z.coerce.number().min(0.001).max(1e6)],
      {
        error: 'it takes calls a second, from 0.001 to 1000000, or "off"',
      },
    )
    .default(fallback);
const url = (fallback: string) =>
  z
    .url({ protocol: /^https?$/, error: 'it takes an address that begins with http:// or https://' })
    .default(fallback);
/** Paths are put behind it. */
const baseUrl = (fallback: string) => url(fallback).transform((given) => given.replace(/\/+$/, ''));
const callsPerDay = z.coerce
  .number('it takes a number of calls')
  .int('it takes a whole number of calls')
  .min(1)
  .max(1e9)
  .optional();
const dollars = z.coerce
  .number('it takes US dollars, as a number')
  .positive('it takes US dollars, more than 0')
  .max(1e6)
  .optional();
const port = (fallback: number) =>
  z.coerce.number('it takes a port').int().min(0).max(65_535).default(fallback);
const text = z.string().trim().min(1).optional();
/** Of the real-time queue. The names of the others are taken, and RabbitMQ keeps "amq." for itself. */
const queueName = z
  .string()
  .regex(
    /^(?!amq\.|metadata_enrichment_(backlog_queue|dlq|wait_)|enrichment_dead_letter_inbox$)[\w.:-]{1,200}$/,
    {
      error:
        'it takes a name for the real-time queue, of letters, digits and _ - . : alone, that no other queue has (a worker of the backlog is "worker --queue backlog")',
    },
  )
  .optional();

const environment = z.object({
  SPOTIFY_CLIENT_ID: text,
  SPOTIFY_CLIENT_SECRET: text,
  SPOTIFY_BASE_URL: baseUrl('https://api.spotify.com/v1'),
  SPOTIFY_TOKEN_URL: url('https://accounts.spotify.com/api/token'),
  SPOTIFY_RATE_PER_SECOND: rate(5),
  SPOTIFY_DAILY_CALLS: callsPerDay,
  SPOTIFY_DAILY_COST_USD: dollars,
  SPOTIFY_COST_PER_CALL_USD: dollars,
  MUSICBRAINZ_USER_AGENT: text,
  MUSICBRAINZ_BASE_URL: baseUrl('https://musicbrainz.org/ws/2'),
  MUSICBRAINZ_RATE_PER_SECOND: rate(1),
  MUSICBRAINZ_DAILY_CALLS: callsPerDay,
  MUSICBRAINZ_DAILY_COST_USD: dollars,
  MUSICBRAINZ_COST_PER_CALL_USD: dollars,
  LASTFM_API_KEY: text,
  LASTFM_BASE_URL: url('https://ws.audioscrobbler.com/2.0/'),
  LASTFM_RATE_PER_SECOND: rate(5),
  LASTFM_DAILY_CALLS: callsPerDay,
  LASTFM_DAILY_COST_USD: dollars,
  LASTFM_COST_PER_CALL_USD: dollars,
  API_TIMEOUT: seconds(10),
  API_MAX_RETRIES: z.coerce.number().int().min(1).max(100).default(defaultRetryPolicy.attemptsMax),
  API_INITIAL_DELAY: seconds(defaultRetryPolicy.initialDelayMs / 1000),
  API_MAX_DELAY: seconds(defaultRetryPolicy.faultDelayMsMax / 1000),
  GATE_PATIENCE: seconds(2),
  GATE_PATIENCE_FOLLOW_UP: seconds(30),
  CACHE_TTL_SPOTIFY: seconds(604_800),
  CACHE_TTL_MUSICBRAINZ: seconds(2_592_000),
  CACHE_TTL_LASTFM: seconds(604_800),
  CACHE_TTL_MISSING: seconds(86_400),
  LEDGER_URL: z
    .string()
    .regex(/^(esdb(\+discover)?|postgres(ql)?):\/\/\S+$/, {
      error: 'it takes an address such as esdb://HOST:2113?tls=false or postgres://USER@HOST/DATABASE',
    })
    .optional(),
  RABBITMQ_HOST: z.string().default('localhost'),
  RABBITMQ_PORT: port(5672),
  RABBITMQ_USER: text,
  RABBITMQ_PASS: text,
  RABBITMQ_VHOST: z.string().default('/'),
  RABBITMQ_MANAGEMENT_URL: z.url({ protocol: /^https?$/ }).optional(),
  QUEUE_NAME: queueName,
  ENRICHMENT_QUEUE_TYPE: z.enum(['classic', 'quorum']).default('classic'),
  ENRICHMENT_PREFETCH_COUNT: z.coerce.number().int().min(1).max(1000).default(1),
  REDIS_HOST: text,
  REDIS_PORT: port(6379),
  REDIS_PASSWORD: text,
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\/\S+$/, { error: 'it takes an address such as postgres://USER@HOST/DATABASE' })
    .optional(),
  HEALTH_HOST: z.string().default('127.0.0.1'),
  HEALTH_PORT: port(0),
  LOG_LEVEL: z.enum(logLevels).optional(),
});

/** The name of the service level for ENRICHMENT_PREFETCH_COUNT. */
const prefetchOfService = 'PREFETCH_COUNT';

/** Every variable that is read, for what has to name them all. */
export const variables: readonly string[] = [...Object.keys(environment.shape), prefetchOfService];

/** The memory that cached answers of the embedded mode may take. */
const cacheBytesMax = 32 * 1024 * 1024;

/**
 * Reads the configuration; an empty variable counts as not set.
 *
 * @param instead variables that go before those of the environment
 * @throws ConfigError
 */
export function readConfig(instead: Readonly<Record<string, string>> = {}, env = process.env): Config {
  const given: Record<string, string | undefined> = Object.fromEntries(
    Object.entries({ ...env, ...instead }).filter(([, value]) => value !== ''),
  );
  // The name of the service level counts where that of the compose level is not set.
  given.ENRICHMENT_PREFETCH_COUNT ??= given[prefetchOfService];
  const parsed = environment.safeParse(given);
  const faults = parsed.success
    ? []
    : parsed.error.issues.map((one) => `${one.path.join('.')}: ${one.message}`);
  const half = (given.SPOTIFY_CLIENT_ID === undefined) !== (given.SPOTIFY_CLIENT_SECRET === undefined);
  if (half) faults.push('SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET go together: set both or neither');
  for (const name of ['SPOTIFY', 'MUSICBRAINZ', 'LASTFM'] as const) {
    const [cost, perCall] = [
      parsed.data?.[`${name}_DAILY_COST_USD`],
      parsed.data?.[`${name}_COST_PER_CALL_USD`],
    ];
    if (cost !== undefined && perCall === undefined)
      faults.push(`${name}_DAILY_COST_USD: it needs ${name}_COST_PER_CALL_USD beside it`);
    else if (cost !== undefined && perCall !== undefined && cost < perCall)
      faults.push(`${name}_DAILY_COST_USD: it does not pay for one call`);
  }
  if (parsed.data !== undefined && parsed.data.API_MAX_DELAY < parsed.data.API_INITIAL_DELAY) {
    faults.push('API_MAX_DELAY: it is shorter than API_INITIAL_DELAY');
  }
  if (!parsed.success || faults.length > 0) {
    throw new ConfigError(`The environment has ${faults.length} fault(s):\n  ${faults.join('\n  ')}`);
  }
  return configOf(parsed.data);
}

function configOf(env: z.infer<typeof environment>): Config {
  const { SPOTIFY_CLIENT_ID: clientId, SPOTIFY_CLIENT_SECRET: clientSecret } = env;
  const perProvider = <Value>(spotify: Value, musicbrainz: Value, lastfm: Value) => ({
    spotify,
    musicbrainz,
    lastfm,
  });
  const limits = (name: 'SPOTIFY' | 'MUSICBRAINZ' | 'LASTFM'): GateLimits => ({
    ...defaultGateLimits,
    ratePerSecond: env[`${name}_RATE_PER_SECOND`],
    callsPerDay: Math.min(
      env[`${name}_DAILY_CALLS`] ?? Number.POSITIVE_INFINITY,
      // The quotient of two decimal fractions may be a little less than it should be.
      Math.floor(
        (env[`${name}_DAILY_COST_USD`] ?? Number.POSITIVE_INFINITY) /
          (env[`${name}_COST_PER_CALL_USD`] ?? 1) +
          1e-6,
      ),
    ),
  });
  return {
    spotify: {
      baseUrl: env.SPOTIFY_BASE_URL,
      tokenUrl: env.SPOTIFY_TOKEN_URL,
      credentials: clientId === undefined || clientSecret === undefined ? null : { clientId, clientSecret },
    },
    musicbrainz: { baseUrl: env.MUSICBRAINZ_BASE_URL, userAgent: env.MUSICBRAINZ_USER_AGENT ?? null },
    lastfm: { baseUrl: env.LASTFM_BASE_URL, apiKey: env.LASTFM_API_KEY ?? null },
    gateLimits: perProvider(limits('SPOTIFY'), limits('MUSICBRAINZ'), limits('LASTFM')),
    policy: {
      ...defaultRetryPolicy,
      attemptsMax: env.API_MAX_RETRIES,
      initialDelayMs: env.API_INITIAL_DELAY * 1000,
      faultDelayMsMax: env.API_MAX_DELAY * 1000,
    },
    patience: { requestMs: env.GATE_PATIENCE * 1000, followUpMs: env.GATE_PATIENCE_FOLLOW_UP * 1000 },
    callTimeoutMs: env.API_TIMEOUT * 1000,
    cacheTtlMs: perProvider(
      env.CACHE_TTL_SPOTIFY * 1000,
      env.CACHE_TTL_MUSICBRAINZ * 1000,
      env.CACHE_TTL_LASTFM * 1000,
    ),
    cacheMissingTtlMs: env.CACHE_TTL_MISSING * 1000,
    cacheBytesMax,
    ledgerUrl: env.LEDGER_URL ?? null,
    rabbitmq: rabbitmqOf(env),
    queueType: env.ENRICHMENT_QUEUE_TYPE,
    prefetch: env.ENRICHMENT_PREFETCH_COUNT,
    redis: redisOf(env),
    databaseUrl: env.DATABASE_URL ?? null,
    health: { host: env.HEALTH_HOST, port: env.HEALTH_PORT },
    logLevel: env.LOG_LEVEL ?? 'warn',
    serviceLogLevel: env.LOG_LEVEL ?? 'info',
  };
}

function rabbitmqOf(env: z.infer<typeof environment>): RabbitmqConfig | null {
  const { RABBITMQ_USER: user, RABBITMQ_PASS: password, RABBITMQ_HOST: host } = env;
  if (user === undefined || password === undefined) return null;
  const managementUrl = env.RABBITMQ_MANAGEMENT_URL ?? `http://${host}:15672`;
  return {
    host,
    port: env.RABBITMQ_PORT,
    user,
    password,
    vhost: env.RABBITMQ_VHOST,
    managementUrl,
    ...(env.QUEUE_NAME === undefined ? {} : { queueName: env.QUEUE_NAME }),
  };
}

function redisOf(env: z.infer<typeof environment>): RedisConfig | null {
  if (env.REDIS_HOST === undefined) return null;
  return { host: env.REDIS_HOST, port: env.REDIS_PORT, password: env.REDIS_PASSWORD ?? null };
}

/** @throws ConfigError where the part that a command needs is not set */
export function required<Value>(value: Value | null, variables: string): Value {
  if (value === null) throw new ConfigError(`This command needs ${variables}: set what is missing.`);
  return value;
}

/** What the environment says of the terminal, and of how we were started. */
export function terminalOf(env = process.env): {
  readonly CI: string | undefined;
  readonly TERM: string | undefined;
  /** The npm script that we run in. */
  readonly npmScript: string | undefined;
} {
  return { CI: env.CI, TERM: env.TERM, npmScript: env.npm_lifecycle_event };
}

/** The rates of all providers lifted, for throughput measurements against the simulator. */
export function withoutRates(config: Config): Config {
  const lifted = (provider: Provider): GateLimits => ({
    ...config.gateLimits[provider],
    ratePerSecond: Number.POSITIVE_INFINITY,
  });
  const gateLimits = Object.fromEntries(providers.map((one) => [one, lifted(one)])) as Config['gateLimits'];
  return { ...config, gateLimits };
}
