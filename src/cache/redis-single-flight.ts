import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { createMemorySingleFlight } from './memory-single-flight.ts';
import type { Flown, SingleFlight } from './single-flight.ts';

/** A leader that died is taken for dead after this long; one that lives says so more often. */
const lockMs = 15_000;
const renewEveryMs = 4000;
/** How long a value can be picked up by those who waited for it. */
const valueMs = 10_000;
/** Longer than any flight: who waited for this long flies by itself. */
const followMsMax = 90_000;
const lookAgainMsMin = 15;
const lookAgainMsMax = 200;
const lockPrefix = 'enrichment:flight:';
const valuePrefix = 'enrichment:flown:';

/** Gives up, or renews, only what is one's own. */
const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;
const renewScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`;

type Landed<Value> = { readonly value: Value } | { readonly error: string };

/**
 * Single-flight across processes; values have to survive JSON. A Redis that is away makes it single-flight within
 * each process: calls are repeated, none is lost.
 */
export function createRedisSingleFlight<Value>(redis: Redis): SingleFlight<Value> {
  const own = createMemorySingleFlight<Flown<Value>>();

  /** Null: nobody flies, and the flight that was waited for left nothing. */
  async function follow(key: string, leader: string, deadlineMs: number): Promise<Landed<Value> | null> {
    for (let againMs = lookAgainMsMin; ; againMs = Math.min(againMs * 2, lookAgainMsMax)) {
      // In this order: a leader puts its value down before it gives up the lock.
      const current = await redis.get(lockPrefix + key);
      const landed = await redis.get(valuePrefix + leader);
      if (landed !== null) return JSON.parse(landed) as Landed<Value>;
      if (current !== leader || performance.now() > deadlineMs) return null;
      await sleep(againMs);
    }
  }

  async function fly(key: string, token: string, lead: () => Promise<Value>): Promise<Value> {
    const renewing = setInterval(() => {
      void redis.eval(renewScript, 1, lockPrefix + key, token, lockMs).catch(() => undefined);
    }, renewEveryMs);
    let landed: Landed<Value> = { error: 'The flight was cut off.' };
    try {
      const value = await lead();
      landed = { value };
      return value;
    } catch (error) {
      landed = { error: error instanceof Error ? error.message : String(error) };
      throw error;
    } finally {
      clearInterval(renewing);
      await redis
        .set(valuePrefix + token, JSON.stringify(landed), 'PX', valueMs)
        .then(() => redis.eval(releaseScript, 1, lockPrefix + key, token))
        .catch(() => undefined);
    }
  }

  async function across(key: string, lead: () => Promise<Value>): Promise<Flown<Value>> {
    const token = randomUUID();
    const deadlineMs = performance.now() + followMsMax;
    while (performance.now() < deadlineMs) {
      let leader: string | null;
      let landed: Landed<Value> | null;
      try {
        const taken = await redis.set(lockPrefix + key, token, 'PX', lockMs, 'NX');
        if (taken === 'OK') break;
        leader = await redis.get(lockPrefix + key);
        landed = leader === null ? null : await follow(key, leader, deadlineMs);
      } catch {
        break;
      }
      if (landed === null) continue;
      if ('error' in landed) throw new Error(landed.error);
      return { role: 'followed', value: landed.value };
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
