import type { Redis } from 'ioredis';
import type { Provider } from '../domain/provider.ts';
import { backlogSlotEvery, type CircuitState, type GateLimits } from '../domain/provider-gate.ts';
import type { ProviderGates } from './gate.ts';
import { gateScript } from './gate-script.ts';

export interface RedisGatesOptions {
  /** Ended by `close`. */
  readonly redis: Redis;
  readonly limits: Readonly<Record<Provider, GateLimits>>;
  /** Gates of another name are others'. */
  readonly namespace?: string;
  /** For tests: the time in place of Redis' own. */
  readonly redisNow?: () => number;
}

/** A gate as it stands, times in milliseconds from now. */
export interface GateStatus {
  readonly circuit: CircuitState;
  readonly nextFreeInMs: number;
  readonly closedForMs: number;
}

export interface RedisGates extends ProviderGates {
  /** @throws Error where Redis does not answer */
  status(provider: Provider): Promise<GateStatus>;
  /** Keeps everybody away, for an operator. */
  shut(provider: Provider, forMs: number): Promise<void>;
  /** Lets calls through again, whatever closed it. */
  open(provider: Provider): Promise<void>;
  close(): Promise<void>;
}

/** What is known here of a gate, as of the last answer. */
interface Seen {
  /** Redis' time at the local one. */
  readonly redisMs: number;
  readonly localMs: number;
  readonly nextMs: number;
  readonly closedMs: number;
  readonly probeMs: number;
  readonly closures: number;
}

type Answer = readonly [string, string, string, string, string, string, string, string, string];

/** While Redis is away nobody may call: without it nobody knows what the others do. */
const awayMs = 2000;

/** The gates that all workers share. */
export function createRedisGates(options: RedisGatesOptions): RedisGates {
  const { redis, limits, namespace = 'enrichment', redisNow } = options;
  const seen = new Map<Provider, Seen>();
  const localNow = redisNow ?? (() => performance.now());
  let awayUntilMs = 0;

  async function ask(provider: Provider, what: string, ...args: readonly (string | number)[]) {
    const { ratePerSecond, failuresToClose, closureMsMin, closureMsMax, probeMsMax } = limits[provider];
    const known = seen.get(provider);
    const [kind, at, extra, now, next, closed, probe, closures, life] = (await redis.eval(
      gateScript,
      1,
      `${namespace}:gate:v1:${provider}`,
      what,
      1000 / ratePerSecond,
      failuresToClose,
      closureMsMin,
      closureMsMax,
      probeMsMax,
      backlogSlotEvery,
      redisNow?.() ?? '',
      known?.closedMs ?? '',
      known?.closures ?? '',
      ...args,
    )) as Answer;
    awayUntilMs = 0;
    seen.set(provider, {
      redisMs: Number(now),
      localMs: localNow(),
      nextMs: Number(next),
      closedMs: Number(closed),
      probeMs: Number(probe),
      closures: Number(closures),
    });
    return { kind, inMs: Number(at) - Number(now), extra, life };
  }

  /** Redis' time, as far as it is known here. */
  function nowAt({ redisMs, localMs }: Seen): number {
    return redisMs + localNow() - localMs;
  }

  function circuit(provider: Provider): CircuitState {
    const last = seen.get(provider);
    if (awayUntilMs > localNow()) return 'open';
    if (last === undefined) return 'closed';
    if (nowAt(last) < last.closedMs) return 'open';
    return last.closures > 0 ? 'half-open' : 'closed';
  }

  function nextFreeInMs(provider: Provider, ahead = 0): number {
    const awayForMs = Math.max(0, awayUntilMs - localNow());
    const last = seen.get(provider);
    if (last === undefined) return awayForMs;
    const slotMs = last.nextMs + (ahead * 1000) / limits[provider].ratePerSecond;
    return Math.max(awayForMs, Math.max(slotMs, last.closedMs, last.probeMs) - nowAt(last));
  }

  return {
    async reserve(provider, { lane, patienceMs }) {
      try {
        const { kind, inMs, extra, life } = await ask(provider, 'admit', lane, patienceMs);
        if (kind === 'slot') return { kind: 'slot', inMs, probe: extra === 'probe', life };
        return { kind: 'later', inMs, why: extra === 'closed' ? 'closed' : 'rate' };
      } catch {
        awayUntilMs = localNow() + awayMs;
        return { kind: 'later', inMs: awayMs, why: 'closed' };
      }
    },
    async mayEnter(provider, { probe, life = '' }) {
      return ask(provider, 'enter', probe ? 'probe' : '', life).then(
        ({ kind }) => kind === 'yes',
        () => false,
      );
    },
    async report(provider, said) {
      const wait = said.kind === 'throttled' ? [said.retryAfterMs] : [];
      // What Redis does not hear now, it hears from the next call.
      await ask(provider, 'report', said.kind, ...wait).catch(() => undefined);
    },
    nextFreeInMs: (provider, ahead) => Math.max(0, nextFreeInMs(provider, ahead)),
    circuit,
    async status(provider) {
      await ask(provider, 'state');
      const last = seen.get(provider);
      const closedForMs = last === undefined ? 0 : Math.max(0, last.closedMs - nowAt(last));
      return { circuit: circuit(provider), nextFreeInMs: Math.max(0, nextFreeInMs(provider)), closedForMs };
    },
    shut: async (provider, forMs) => void (await ask(provider, 'close', forMs)),
    open: async (provider) => void (await ask(provider, 'open')),
    async close() {
      redis.disconnect();
    },
  };
}
