import { expect, it } from 'vitest';
import { createMemoryCache } from '../../src/cache/memory.ts';
import type { SharedAnswer } from '../../src/domain/answer.ts';
import { cacheContract } from './contract.ts';

const ttlMs = { spotify: 1e9, musicbrainz: 1e9, lastfm: 1e9 };

cacheContract('the memory cache', {
  open: async (settings) => createMemoryCache({ ...settings, bytesMax: 1e8 }),
});

function answerOf(text: string): SharedAnswer {
  return {
    provider: 'spotify',
    lookup: { kind: 'search', artist: text, title: '' },
    answer: { kind: 'found', candidates: [], bodyHash: '' },
    calledAt: new Date().toISOString(),
    eventId: 'e',
  };
}

it('the memory cache stays within its bytes: what was not read for longest goes', async () => {
  const cache = createMemoryCache({ ttlMs, bytesMax: 100_000 });
  const text = 'x'.repeat(1000);
  for (let n = 0; n < 200; n++) {
    await cache.set(`${n}`, answerOf(text));
    await cache.get('0');
  }
  expect(await cache.get('0')).not.toBeNull();
  expect(await cache.get('1')).toBeNull();
  expect(await cache.get('199')).not.toBeNull();
  let kept = 0;
  for (let n = 0; n < 200; n++) if ((await cache.get(`${n}`)) !== null) kept += 1;
  expect(kept).toBeGreaterThan(60);
  expect(kept).toBeLessThan(100);
});

it('the memory cache counts two bytes a character where a text needs them', async () => {
  const cache = createMemoryCache({ ttlMs, bytesMax: 5000 });
  await cache.set('latin', answerOf('é'.repeat(3000)));
  await cache.set('kana', answerOf('カ'.repeat(3000)));
  expect(await cache.get('latin')).not.toBeNull();
  expect(await cache.get('kana')).toBeNull();
});

it('the memory cache keeps "missing" for a day unless it is told otherwise', async () => {
  let nowMs = Date.now();
  const cache = createMemoryCache({ ttlMs, bytesMax: 1e6, now: () => nowMs });
  const answer: SharedAnswer = {
    ...answerOf('x'),
    answer: { kind: 'missing', reason: 'no-result', bodyHash: '' },
    calledAt: new Date(nowMs).toISOString(),
  };
  await cache.set('key', answer);
  nowMs += 24 * 3600 * 1000 - 1;
  expect(await cache.get('key')).toEqual(answer);
  nowMs += 1;
  expect(await cache.get('key')).toBeNull();
});
