import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig, withoutRates } from '../src/config.ts';
import { providers } from '../src/domain/provider.ts';
import { laneQueues, topologyOf } from '../src/queue/topology.ts';

const read = (env: Readonly<Record<string, string>>) => readConfig({}, env);

function faultsOf(env: Readonly<Record<string, string>>): string {
  try {
    read(env);
    return '';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
}

const names = [
  'SPOTIFY_CLIENT_ID',
  'SPOTIFY_CLIENT_SECRET',
  'SPOTIFY_BASE_URL',
  'SPOTIFY_RATE_PER_SECOND',
  'SPOTIFY_DAILY_CALLS',
  'SPOTIFY_DAILY_COST_USD',
  'SPOTIFY_COST_PER_CALL_USD',
  'MUSICBRAINZ_USER_AGENT',
  'MUSICBRAINZ_RATE_PER_SECOND',
  'LASTFM_API_KEY',
  'LASTFM_BASE_URL',
  'API_TIMEOUT',
  'API_MAX_RETRIES',
  'API_INITIAL_DELAY',
  'API_MAX_DELAY',
  'CACHE_TTL_SPOTIFY',
  'LOG_LEVEL',
] as const;

describe('the configuration', () => {
  it('has the promised defaults where nothing is set', () => {
    const config = read({});
    const rates = providers.map((provider) => config.gateLimits[provider].ratePerSecond);
    expect(rates).toEqual([5, 1, 5]);
    expect(config).toMatchObject({
      spotify: { credentials: null },
      musicbrainz: { userAgent: null },
      lastfm: { apiKey: null },
      policy: { attemptsMax: 5, initialDelayMs: 1000, faultDelayMsMax: 60_000 },
      patience: { requestMs: 2000, followUpMs: 30_000 },
      cacheTtlMs: { spotify: 604_800_000, musicbrainz: 2_592_000_000, lastfm: 604_800_000 },
    });
  });

  it('takes a budget of calls a day, of dollars a day, or the smaller of both; none where nothing is set', () => {
    const callsOf = (env: Readonly<Record<string, string>>) => read(env).gateLimits.lastfm.callsPerDay;
    const dollars = { LASTFM_DAILY_COST_USD: '0.3', LASTFM_COST_PER_CALL_USD: '0.1' };
    expect(callsOf({})).toBe(Number.POSITIVE_INFINITY);
    expect(callsOf({ LASTFM_DAILY_CALLS: '5000' })).toBe(5000);
    expect(callsOf(dollars)).toBe(3);
    expect(callsOf({ ...dollars, LASTFM_DAILY_CALLS: '2' })).toBe(2);
    expect(faultsOf({ LASTFM_DAILY_COST_USD: '1' })).toContain('it needs LASTFM_COST_PER_CALL_USD beside it');
    expect(faultsOf({ ...dollars, LASTFM_COST_PER_CALL_USD: '1' })).toContain('does not pay for one call');
    expect(faultsOf({ LASTFM_DAILY_CALLS: '1.5' })).toContain(
      'LASTFM_DAILY_CALLS: it takes a whole number of calls',
    );
  });

  it('takes any name for the real-time queue but those of the other queues', () => {
    const broker = { RABBITMQ_USER: 'u', RABBITMQ_PASS: 'p' };
    expect(read(broker).rabbitmq).not.toHaveProperty('queueName');
    const named = laneQueues['real-time'];
    for (const name of ['my.tracks', 'Tracks:2', named])
      expect(read({ ...broker, QUEUE_NAME: name }).rabbitmq).toMatchObject({ queueName: name });
    const others = topologyOf('classic').queues.map(({ name }) => name);
    for (const name of [...others.filter((one) => one !== named), 'amq.x', 'a b', "x'", 'x'.repeat(201)])
      expect(faultsOf({ ...broker, QUEUE_NAME: name }), name).toMatch(/QUEUE_NAME: it takes a name/);
  });

  it('of any environment is a configuration, or faults that name their variables', () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom('', ' ', '0', '-1', 'NaN', 'Infinity', '1e400', '5', 'off', 'http://x', 'file:///x'),
    );
    const environment = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), value);
    fc.assert(
      fc.property(environment, (env) => {
        const faults = faultsOf(env);
        if (faults === '') {
          const { gateLimits, policy, callTimeoutMs } = read(env);
          expect(providers.every((provider) => gateLimits[provider].ratePerSecond > 0)).toBe(true);
          expect(policy.faultDelayMsMax).toBeGreaterThanOrEqual(policy.initialDelayMs);
          expect(Number.isFinite(callTimeoutMs)).toBe(true);
          return;
        }
        const [head = '', ...lines] = faults.split('\n');
        expect(head).toMatch(new RegExp(`^The environment has ${lines.length} fault`));
        for (const line of lines) expect(names.some((name) => line.includes(name))).toBe(true);
      }),
    );
  });

  it('an empty variable counts as not set', () => {
    const empty = Object.fromEntries(names.map((name) => [name, '']));
    expect(read(empty)).toEqual(read({}));
  });

  it.each([
    ['SPOTIFY_RATE_PER_SECOND', '0', />=0.001/],
    ['SPOTIFY_RATE_PER_SECOND', 'fast', /or "off"/],
    ['API_MAX_RETRIES', '2.5', /API_MAX_RETRIES/],
    ['API_TIMEOUT', 'soon', /seconds/],
    ['MUSICBRAINZ_BASE_URL', 'musicbrainz.org', /http:\/\//],
    ['LASTFM_BASE_URL', 'ftp://example.org', /http:\/\//],
    ['LOG_LEVEL', 'loud', /debug/],
    ['SPOTIFY_CLIENT_ID', 'only-one', /go together/],
    ['API_MAX_DELAY', '0.5', /shorter than API_INITIAL_DELAY/],
  ])('%s=%s is a fault that says what it takes', (name, value, said) => {
    expect(faultsOf({ [name]: value })).toMatch(said);
  });

  it('all faults are said at once, and no secret with them', () => {
    const secret = 'hunter2-hunter2';
    const said = faultsOf({
      SPOTIFY_CLIENT_SECRET: secret,
      LASTFM_API_KEY: secret,
      LOG_LEVEL: 'x',
      API_TIMEOUT: '-1',
    });
    expect(said).toMatch(/^The environment has 3 fault/);
    expect(said).not.toContain(secret);
  });

  it('what is given instead goes before the environment', () => {
    expect(readConfig({ LASTFM_API_KEY: 'instead' }, { LASTFM_API_KEY: 'env' }).lastfm.apiKey).toBe(
      'instead',
    );
  });

  it('a base address may end in a slash', () => {
    expect(read({ SPOTIFY_BASE_URL: 'http://localhost:1/v1//' }).spotify.baseUrl).toBe(
      'http://localhost:1/v1',
    );
  });

  it('lifting the rates lifts those alone', () => {
    const config = read({ SPOTIFY_RATE_PER_SECOND: '2' });
    const lifted = withoutRates(config);
    for (const provider of providers) {
      expect(lifted.gateLimits[provider]).toEqual({
        ...config.gateLimits[provider],
        ratePerSecond: Number.POSITIVE_INFINITY,
      });
    }
    expect({ ...lifted, gateLimits: null }).toEqual({ ...config, gateLimits: null });
    expect(read({ LASTFM_RATE_PER_SECOND: 'off' }).gateLimits.lastfm.ratePerSecond).toBe(Infinity);
  });
});
