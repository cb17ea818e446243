import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnswerCache } from '../../src/cache/answer-cache.ts';
import type { SharedAnswer } from '../../src/domain/answer.ts';
import { type Provider, providers } from '../../src/domain/provider.ts';
import { anySharedAnswer } from '../support/generators.ts';

export interface CacheSettings {
  readonly ttlMs: Readonly<Record<Provider, number>>;
  readonly missingTtlMs: number;
  /** Milliseconds since 1970, of the clock that the cache is to go by. */
  readonly now: () => number;
}

export interface CacheContract {
  /** An empty cache with room for a thousand answers. */
  readonly open: (settings: CacheSettings) => Promise<AnswerCache>;
}

const ttlMs = { spotify: 7000, musicbrainz: 30_000, lastfm: 5000 };
const missingTtlMs = 1000;
const calledAtMs = Date.parse('2026-01-01T00:00:00.000Z');

/** What every cache has to keep. */
export function cacheContract(name: string, { open }: CacheContract): void {
  describe(`${name} keeps the cache contract:`, () => {
    let nowMs = calledAtMs;
    let cache: AnswerCache;
    beforeEach(async () => {
      nowMs = calledAtMs;
      cache = await open({ ttlMs, missingTtlMs, now: () => nowMs });
    });
    afterEach(() => cache.close());

    const calledNow = (answer: SharedAnswer): SharedAnswer => ({
      ...answer,
      calledAt: new Date(calledAtMs).toISOString(),
    });
    const lifeMs = ({ answer, provider }: SharedAnswer) =>
      answer.kind === 'missing' ? missingTtlMs : ttlMs[provider];

    it('an unknown key has no answer', async () => {
      expect(await cache.get('unknown')).toBeNull();
    });

    it('what was kept is read back equal, key by key, the newest of a key', async () => {
      const entries = fc.array(fc.tuple(fc.string({ maxLength: 3 }), anySharedAnswer.map(calledNow)), {
        maxLength: 20,
      });
      await fc.assert(
        fc.asyncProperty(entries, async (kept) => {
          for (const [key, answer] of kept) await cache.set(key, answer);
          for (const [key, answer] of new Map(kept)) expect(await cache.get(key)).toEqual(answer);
        }),
        { numRuns: 30 },
      );
    });

    it('an answer is kept until its age reaches the TTL of its provider, or that of "missing"', async () => {
      let turn = 0;
      await fc.assert(
        fc.asyncProperty(anySharedAnswer.map(calledNow), fc.nat(), async (answer, storedAfterMs) => {
          // Another key each time: what is missing again and again may be kept for longer.
          const key = `key ${turn++}`;
          nowMs = calledAtMs + (storedAfterMs % lifeMs(answer));
          await cache.set(key, answer);
          nowMs = calledAtMs + lifeMs(answer) - 1;
          expect(await cache.get(key)).toEqual(answer);
          nowMs = calledAtMs + lifeMs(answer);
          expect(await cache.get(key)).toBeNull();
        }),
        { numRuns: 50 },
      );
    });

    it('an answer that is too old already is not kept', async () => {
      for (const provider of providers) {
        const answer = { ...calledNow(missing), provider };
        nowMs = calledAtMs + missingTtlMs;
        await cache.set(provider, answer);
        expect(await cache.get(provider)).toBeNull();
        nowMs = calledAtMs;
        expect(await cache.get(provider)).toBeNull();
      }
    });

    it('what was not found is looked for again after 1, 2, 4 … 32 times its TTL, and after one once it was found', async () => {
      for (const times of [1, 2, 4, 8, 16, 32, 32]) {
        await cache.set('key', missingAt(nowMs));
        nowMs += times * missingTtlMs - 1;
        expect(await cache.get('key')).not.toBeNull();
        nowMs += 1;
        expect(await cache.get('key')).toBeNull();
      }
      await cache.set('key', {
        ...missingAt(nowMs),
        answer: { kind: 'found', candidates: [], bodyHash: '' },
      });
      await cache.set('key', missingAt(nowMs));
      nowMs += missingTtlMs;
      expect(await cache.get('key')).toBeNull();
    });

    it('what is asked before its time, or told twice, is not missing for longer; what nobody asks about is forgotten', async () => {
      for (let n = 0; n < 10; n++) {
        await cache.set('key', missingAt(nowMs));
        nowMs += 1;
      }
      nowMs += missingTtlMs;
      expect(await cache.get('key')).toBeNull();
      nowMs += 33 * missingTtlMs;
      await cache.set('key', missingAt(nowMs));
      nowMs += missingTtlMs;
      expect(await cache.get('key')).toBeNull();
    });

    it('in any order of answers and times an answer is as old as its TTL at most, missing ones 32 times theirs', async () => {
      const step = fc.record({ afterMs: fc.nat(80 * missingTtlMs), answer: anySharedAnswer });
      let turn = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const key = `any ${turn++}`;
          for (const { afterMs, answer } of steps) {
            const read = await cache.get(key);
            if (read !== null) {
              const ageMs = nowMs - Date.parse(read.calledAt);
              expect(ageMs).toBeLessThan(lifeMs(read) * (read.answer.kind === 'missing' ? 32 : 1));
            }
            await cache.set(key, { ...answer, calledAt: new Date(nowMs).toISOString() });
            nowMs += afterMs;
          }
        }),
        { numRuns: 60 },
      );
    });

    it('who changes what it read changes nobody else’s', async () => {
      await cache.set('key', calledNow(missing));
      const read = await cache.get('key');
      try {
        Object.assign(read ?? {}, { provider: 'lastfm' });
      } catch {
        // Refusing the change is as good.
      }
      expect(await cache.get('key')).toEqual(calledNow(missing));
    });
  });
}

const missing: SharedAnswer = {
  provider: 'spotify',
  lookup: { kind: 'isrc', isrc: 'GBAYE0601498' },
  answer: { kind: 'missing', reason: 'no-result', bodyHash: '' },
  calledAt: '2026-01-01T00:00:00.000Z',
  eventId: 'e',
};

const missingAt = (ms: number): SharedAnswer => ({ ...missing, calledAt: new Date(ms).toISOString() });
