import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createCallPace } from '../../src/workers/call-pace.ts';

const ratePerSecond = { spotify: 5, musicbrainz: 1, lastfm: Number.POSITIVE_INFINITY };

it('two calls never start closer than the rate allows, however late or early those who start them come', () => {
  const waits = fc.array(fc.double({ min: 0, max: 600, noNaN: true }), { minLength: 2, maxLength: 60 });
  fc.assert(
    fc.property(waits, (gaps) => {
      let nowMs = 0;
      const pace = createCallPace({ ratePerSecond, now: () => nowMs });
      const starts: number[] = [];
      for (const gap of gaps) {
        nowMs += gap;
        const inMs = pace.start('spotify');
        if (inMs > 0) continue;
        starts.push(nowMs);
      }
      for (const [at, start] of starts.entries()) {
        const before = starts[at - 1];
        if (before !== undefined) expect(start - before).toBeGreaterThanOrEqual(200 - 5 - 1e-6);
      }
    }),
  );
});

it('whoever waits as long as it is told may start then', () => {
  let nowMs = 0;
  const pace = createCallPace({ ratePerSecond, now: () => nowMs });
  expect(pace.start('musicbrainz')).toBe(0);
  nowMs = 300;
  const inMs = pace.start('musicbrainz');
  expect(inMs).toBeCloseTo(700, 0);
  nowMs += inMs;
  expect(pace.start('musicbrainz')).toBe(0);
  expect(pace.start('spotify')).toBe(0);
});

it('small lateness does not add up to a lower rate', () => {
  let nowMs = 0;
  const pace = createCallPace({ ratePerSecond, now: () => nowMs });
  let started = 0;
  // Every timer fires 1 ms late.
  while (nowMs < 20_000) {
    const inMs = pace.start('spotify');
    if (inMs === 0) started += 1;
    nowMs += Math.max(inMs, 1) + (inMs > 0 ? 1 : 0);
  }
  expect(started).toBeGreaterThanOrEqual(98);
});

it('without a rate nobody waits', () => {
  const pace = createCallPace({ ratePerSecond });
  for (let n = 0; n < 1000; n++) expect(pace.start('lastfm')).toBe(0);
});
