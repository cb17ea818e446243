import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { parseJson } from './kept-answer.ts';
import { createMemorySingleFlight } from './memory-single-flight.ts';
import type { Flown, SingleFlight } from './single-flight.ts';

/** A leader that died is taken for dead after this long; one that lives says so more often. */
const lockMs = 15_000;
const renewEveryMs = 4000;
/** How long a value can be picked up by those who waited for it. */
const valueMs = 10_000;
/** Longer than any flight, appends to a silent ledger included: who waited for this long flies by itself. */
const followMsMax = 10 * 60_000;
const lookAgainMsMin = 15;
const lookAgainMsMax = 200;
const lockPrefix = 'enrichment:flight:';
const valuePrefix = 'enrichment:flown:';

/** Gives up, or renews, only what is one's own. */
const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;
const renewScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`;

export interface RedisSingleFlightOptions<Value> {
  readonly redis: Redis;
  /** Reads a value, which has to survive JSON, of another process; null: it is none. */
  readonly read: (value: unknown) => Value | null;
}

/**
 * Single-flight across processes. A Redis that is away makes it single-flight within each process: calls are repeated,
 * none is lost. A flight that fails fails for those of its own process alone: what failed is that process, whose ledger
 * is away or who is stopping, and of the others the next one flies.
 */
export function createRedisSingleFlight<Value>(
  options: RedisSingleFlightOptions<Value>,
): SingleFlight<Value> {
  const { redis, read } = options;
  const own = createMemorySingleFlight<Flown<Value>>();

  /** Null: nobody flies, and the flight that was waited for left nothing that can be read. */
  async function follow(key: string, leader: string, deadlineMs: number): Promise<Value | null> {
    for (let againMs = lookAgainMsMin; ; againMs = Math.min(againMs * 2, lookAgainMsMax)) {
      // In this order: a leader puts its value down before it gives up the lock.
      const current = await redis.get(lockPrefix + key);
      const landed = await redis.get(valuePrefix + leader);
      if (landed !== null) return read(parseJson(landed));
      if (current !== leader || performance.now() > deadlineMs) return null;
      await sleep(againMs);
    }
  }

  async function fly(key: string, token: string, lead: () => Promise<Value>): Promise<Value> {
    const renewing = setInterval(() => {
      void redis.eval(renewScript, 1, lockPrefix + key, token, lockMs).catch(() => undefined);
    }, renewEveryMs);
    let landed: string | null = null;
    try {
      const value = await lead();
      landed = JSON.stringify(value);
      return value;
    } finally {
      clearInterval(renewing);
      const left =
        landed === null ? Promise.resolve() : redis.set(valuePrefix + token, landed, 'PX', valueMs);
      await left.then(() => redis.eval(releaseScript, 1, lockPrefix + key, token)).catch(() => undefined);
    }
  }

  async function across(key: string, lead: () => Promise<Value>): Promise<Flown<Value>> {
    const token = randomUUID();
    const deadlineMs = performance.now() + followMsMax;
    while (performance.now() < deadlineMs) {
      try {
        const taken = await redis.set(lockPrefix + key, token, 'PX', lockMs, 'NX');
        if (taken === 'OK') break;
        const leader = await redis.get(lockPrefix + key);
        const value = leader === null ? null : await follow(key, leader, deadlineMs);
        if (value !== null) return { role: 'followed', value };
        await sleep(lookAgainMsMin);
      } catch {
        break;
      }
    }
    return { role: 'led', value: await fly(key, token, lead) };
  }

  return {
    async run(key, lead) {
      const { role, value } = await own.run(key, () => across(key, lead));
      return role === 'led' ? value : { role: 'followed', value: value.value };
    },
  };
}
