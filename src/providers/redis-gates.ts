import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { type GateLimits, intervalMs } from '../domain/gate-limits.ts';
import type { KnownGate } from '../domain/gate-state.ts';
import { type Provider, providers } from '../domain/provider.ts';
import type { CircuitState } from '../domain/provider-gate.ts';
import type { ProviderGates } from './gate.ts';
import { type GateAnswer, questionOf, readGateAnswer } from './gate-question.ts';
import { gateScript } from './gate-script.ts';
import { createLateness, type Lateness } from './lateness.ts';

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
  /** `provider`, `failures`, or an operator's name; empty while it is not closed. */
  readonly closedBy: string;
  /** Slots given today, by UTC. */
  readonly spentToday: number;
}

export interface RedisGates extends ProviderGates {
  /** @throws Error where Redis does not answer */
  status(provider: Provider): Promise<GateStatus>;
  /** Keeps everybody away, for an operator. */
  shut(provider: Provider, forMs: number, by: string): Promise<void>;
  /** Lets calls through again, whatever closed it. */
  open(provider: Provider): Promise<void>;
  close(): Promise<void>;
}

/** While Redis is away nobody may call: without it nobody knows what the others do. */
const awayMs = 2000;
/** A slot that came too late is asked for again after this. */
const missedAgainMs = 1;

const scriptHash = createHash('sha1').update(gateScript).digest('hex');

/** What is known here of a gate, as of the last answer. */
interface Seen extends GateAnswer {
  /** The local time of that answer. */
  readonly localMs: number;
}

/** The gates that all workers share. */
export function createRedisGates(options: RedisGatesOptions): RedisGates {
  const { redis, limits, namespace = 'enrichment', redisNow } = options;
  const seen = new Map<Provider, Seen>();
  const lateness = Object.fromEntries(
    providers.map((provider) => [provider, createLateness(intervalMs(limits[provider]))]),
  ) as Record<Provider, Lateness>;
  /** Until when a provider asked us to stay away, by the local clock, where Redis did not hear it. */
  const unheardUntilMs = new Map<Provider, number>();
  const localNow = redisNow ?? (() => performance.now());
  let awayUntilMs = 0;

  async function ask(provider: Provider, what: string, ...args: readonly (string | number)[]) {
    const last = seen.get(provider);
    const unheardMs = unheardUntilMs.get(provider);
    const question = questionOf(limits[provider], {
      nowMs: redisNow?.(),
      known: last === undefined ? undefined : knownOf(last),
      unheardForMs: unheardMs === undefined ? undefined : unheardMs - localNow(),
    });
    const answer = readGateAnswer(await run(`${namespace}:gate:v1:${provider}`, what, question, ...args));
    awayUntilMs = 0;
    if (unheardUntilMs.get(provider) === unheardMs) unheardUntilMs.delete(provider);
    seen.set(provider, { ...answer, localMs: localNow() });
    return answer;
  }

  async function run(key: string, ...args: readonly (string | number)[]): Promise<string[]> {
    try {
      return (await redis.evalsha(scriptHash, 1, key, ...args)) as string[];
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return (await redis.eval(gateScript, 1, key, ...args)) as string[];
    }
  }

  /** Redis' time, as far as it is known here. */
  function nowAt({ nowMs, localMs }: Seen): number {
    return nowMs + localNow() - localMs;
  }

  function knownOf(last: Seen): KnownGate {
    const { life, closedBy, closures, day, spent } = last;
    const closedForMs = Math.max(0, last.closedUntilMs - nowAt(last));
    const agoMs = localNow() - last.localMs;
    return { bornAtMs: Number(life), closedForMs, closedBy, closures, day, spent, agoMs };
  }

  function circuit(provider: Provider): CircuitState {
    const last = seen.get(provider);
    if (awayUntilMs > localNow()) return 'open';
    if (last === undefined) return 'closed';
    if (nowAt(last) < Math.max(last.closedUntilMs, last.budgetOpensAtMs)) return 'open';
    return last.closures > 0 ? 'half-open' : 'closed';
  }

  function nextFreeInMs(provider: Provider, ahead = 0): number {
    const awayForMs = Math.max(0, awayUntilMs - localNow());
    const last = seen.get(provider);
    if (last === undefined) return awayForMs;
    const slotMs = last.nextSlotAtMs + ahead * intervalMs(limits[provider]);
    const { closedUntilMs, probeUntilMs, budgetOpensAtMs } = last;
    const freeMs = Math.max(slotMs, closedUntilMs, probeUntilMs, budgetOpensAtMs);
    return Math.max(awayForMs, freeMs - nowAt(last));
  }

  return {
    async reserve(provider, { lane, patienceMs }) {
      const askedAtMs = localNow();
      const { declaredMs } = lateness[provider];
      try {
        const { kind, inMs, extra, life } = await ask(provider, 'admit', lane, patienceMs, declaredMs);
        if (kind !== 'slot') return { kind: 'later', inMs, why: extra === 'closed' ? 'closed' : 'rate' };
        const probe = extra === 'probe';
        // At the earliest: it began between the question and its answer.
        const begins = { atMs: askedAtMs + inMs, declaredMs };
        if (inMs > 0 || !(await missed(provider, begins, probe))) {
          return { kind: 'slot', inMs, probe, life, begins };
        }
        return { kind: 'later', inMs: missedAgainMs, why: 'rate' };
      } catch {
        awayUntilMs = localNow() + awayMs;
        return { kind: 'later', inMs: awayMs, why: 'closed' };
      }
    },
    async mayEnter(provider, { probe, life = '', begins }) {
      try {
        const { kind } = await ask(provider, 'enter', probe ? 'probe' : '', life);
        if (kind !== 'yes') return false;
        return begins === undefined || !(await missed(provider, begins, probe));
      } catch {
        return false;
      }
    },
    async report(provider, said) {
      const wait = said.kind === 'throttled' ? [said.retryAfterMs] : [];
      const saidAtMs = localNow();
      await ask(provider, 'report', said.kind, ...wait).catch(() => {
        // That a provider asked us to stay away Redis hears with the next question; the rest, of the next call.
        if (said.kind !== 'throttled') return;
        const untilMs = Math.max(saidAtMs + said.retryAfterMs, unheardUntilMs.get(provider) ?? 0);
        unheardUntilMs.set(provider, untilMs);
      });
    },
    nextFreeInMs: (provider, ahead) => Math.max(0, nextFreeInMs(provider, ahead)),
    circuit,
    async status(provider) {
      const { closedUntilMs, nowMs, closedBy, spent } = await ask(provider, 'state');
      const closedForMs = Math.max(0, closedUntilMs - nowMs);
      return {
        circuit: circuit(provider),
        nextFreeInMs: Math.max(0, nextFreeInMs(provider)),
        closedForMs,
        closedBy: closedForMs > 0 ? closedBy : '',
        spentToday: spent,
      };
    },
    shut: async (provider, forMs, by) => void (await ask(provider, 'close', forMs, by)),
    open: async (provider) => void (await ask(provider, 'open')),
    async close() {
      redis.disconnect();
    },
  };

  /** A missed probe is given back, so that somebody else can probe. */
  async function missed(
    provider: Provider,
    begins: { readonly atMs: number; readonly declaredMs: number },
    probe: boolean,
  ): Promise<boolean> {
    const isMissed = lateness[provider].isMissed(localNow() - begins.atMs, begins.declaredMs);
    if (isMissed && probe) await ask(provider, 'report', 'neutral');
    return isMissed;
  }
}
