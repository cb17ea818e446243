import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { createRedisCache } from '../../src/cache/redis.ts';
import type { SharedAnswer } from '../../src/domain/answer.ts';
import { trackFields } from '../../src/domain/track-values.ts';
import { describeWithRedis, openRedis } from './open-redis.ts';

const ttlMs = { spotify: 60_000, musicbrainz: 60_000, lastfm: 60_000 };
const missing = (calledAtMs: number): SharedAnswer => ({
  provider: 'spotify',
  lookup: { kind: 'isrc', isrc: 'GBAYE0601498' },
  answer: { kind: 'missing', reason: 'no-result', bodyHash: '' },
  calledAt: new Date(calledAtMs).toISOString(),
  eventId: 'e',
});

describeWithRedis('what somebody else may have put into the cache:', () => {
  it('what is broken, too long or of another shape is nothing that is known', async () => {
    const redis = await openRedis();
    const cache = createRedisCache({ redis, ttlMs });
    const nameOf = (key: string) => `enrichment:answer:2:${key}`;
    const [good, found] = [randomUUID(), randomUUID()];
    await cache.set(good, missing(Date.now()));
    await cache.set(found, {
      ...missing(Date.now()),
      answer: {
        kind: 'found',
        bodyHash: 'h',
        candidates: [
          { id: '', title: 't', artists: ['a'], durationMs: 1, isrcs: [], values: { bpm: 120, genre: 'x' } },
        ],
      },
    });
    for (const key of [good, found]) {
      const text = (await redis.get(nameOf(key))) ?? '';
      expect(await cache.get(key)).not.toBeNull();
      // Each part away, or something else in its place.
      const parts = pathsOf(JSON.parse(text));
      expect(parts.length).toBeGreaterThan(9);
      for (const path of parts) {
        for (const other of [undefined, null, {}, [], [1], true, -1.5]) {
          const changed = changedAt(JSON.parse(text), path, other);
          await redis.set(nameOf('changed'), JSON.stringify(changed), 'PX', 5000);
          const read = await cache.get('changed');
          expect(read !== null, `${path.join('.')}: ${JSON.stringify(other)}`).toBe(isKept(changed));
        }
      }
      for (let cut = 0; cut < text.length; cut += 7) {
        await redis.set(nameOf('cut'), text.slice(0, cut), 'PX', 5000);
        expect(await cache.get('cut')).toBeNull();
      }
    }
    for (const odd of [
      '',
      '[]',
      'null',
      '7',
      '{"__proto__":{}}',
      `{"answer":${'['.repeat(9000)}`,
      ' '.repeat(99_999),
    ]) {
      await redis.set(nameOf('odd'), odd, 'PX', 5000);
      expect(await cache.get('odd')).toBeNull();
    }
    await redis.lpush(nameOf('list'), '1');
    expect(await cache.get('list')).toBeNull();
    await redis.del(nameOf('list'));
    await cache.close();
  });

  it('what was kept by this version is read by it: another shape needs another number in its key', async () => {
    const redis = await openRedis();
    const cache = createRedisCache({ redis, ttlMs, now: () => Date.parse('2026-01-01T00:00:30.000Z') });
    const key = `v1:spotify:isrc:${randomUUID()}`;
    const kept =
      '{"answer":{"provider":"spotify","lookup":{"kind":"isrc","isrc":"GBAYE0601498"},"answer":{"kind":"found","candidates":[{"id":"4uLU6hMCjMI75M1A2tKUQC","title":"Adagio","artists":["Tiësto"],"durationMs":260000,"isrcs":["GBAYE0601498"],"values":{"isrc":"GBAYE0601498","durationMs":260000,"album":"Just Be"}}],"bodyHash":"5f36b2ea"},"calledAt":"2026-01-01T00:00:00.000Z","eventId":"7c9e6679-7425-40de-944b-e07fc1f90ae7"},"misses":0}';
    await redis.set(`enrichment:answer:2:${key}`, kept, 'PX', 5000);
    const read = await cache.get(key);
    expect(read).toEqual(JSON.parse(kept).answer);
    if (read === null) return;
    await cache.set(key, read);
    expect(await redis.get(`enrichment:answer:2:${key}`)).toBe(kept);
    await cache.close();
  });
});

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Every way into a JSON value. */
function pathsOf(value: Json): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...pathsOf(inner).map((path) => [key, ...path]),
  ]);
}

function changedAt(value: Json, path: readonly string[], to: unknown): unknown {
  const [key = '', ...rest] = path;
  const inner = value as { [key: string]: Json };
  inner[key] = (rest.length === 0 ? to : changedAt(inner[key] ?? null, rest, to)) as Json;
  return inner;
}

const texts = z.array(z.string());
const amounts = new Set(['durationMs', 'bpm', 'tempoConfidence', 'energy', 'danceability', 'valence']);
const isAmount = (field: string) => amounts.has(field) || /Popularity|Playcount|Listeners/.test(field);
const values = z.strictObject(
  Object.fromEntries(
    trackFields.map((field) => [field, (isAmount(field) ? z.number() : z.string()).optional()]),
  ),
);
const candidate = z.object({
  id: z.string(),
  title: z.string(),
  artists: texts,
  durationMs: z.number().nullable(),
  isrcs: texts,
  values,
});
const found = z.object({ kind: z.literal('found'), candidates: z.array(candidate), bodyHash: z.string() });
const nothing = z.object({
  kind: z.literal('missing'),
  reason: z.enum(['no-result', 'shadow-entry']),
  bodyHash: z.string(),
});
const shared = z.object({
  provider: z.enum(['spotify', 'musicbrainz', 'lastfm']),
  lookup: z.union([
    z.object({ kind: z.literal('isrc'), isrc: z.string() }),
    z.object({ kind: z.literal('search'), artist: z.string(), title: z.string() }),
  ]),
  calledAt: z.iso.datetime(),
  eventId: z.string(),
});
const kept = z.union([
  z.object({ answer: shared.extend({ answer: nothing }), misses: z.int().positive() }),
  z.object({ answer: shared.extend({ answer: found }), misses: z.literal(0) }),
]);

/** The shape of what is kept, said once more in other words. */
function isKept(value: unknown): boolean {
  return kept.safeParse(JSON.parse(JSON.stringify(value))).success;
}
