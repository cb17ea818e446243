import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMeter } from '../../../src/providers/simulator/call-meter.ts';
import { unlimited } from './running.ts';

const rates = { spotify: 5, musicbrainz: 1, lastfm: 20 };

describe('the meter of calls', () => {
  it('never refuses a caller that keeps the interval, also where each call comes a little early or late', () => {
    // What lies between two calls: the interval and more; and how far each arrives from its time.
    const gaps = fc.array(fc.nat(3000), { maxLength: 50 });
    const jitter = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 51, maxLength: 51 });
    fc.assert(
      fc.property(
        gaps,
        jitter,
        fc.constantFrom('spotify', 'musicbrainz', 'lastfm'),
        (more, off, provider) => {
          const meter = createMeter(rates);
          let atMs = 0;
          for (const [n, gap] of [0, ...more].entries()) {
            atMs += 1000 / rates[provider] + gap;
            expect(meter.arrived(provider, atMs + (off[n] ?? 0))).toBe(true);
          }
          expect(meter.report()[provider].violations).toBe(0);
        },
      ),
    );
  });

  it('lets no more calls through than the rate allows, however they come, and counts the others', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 200 }), (gaps) => {
        const meter = createMeter(rates);
        let nowMs = 0;
        let passed = 0;
        for (const gap of gaps) {
          nowMs += gap;
          if (meter.arrived('spotify', nowMs)) passed += 1;
        }
        const { calls, violations } = meter.report().spotify;
        expect(calls).toBe(gaps.length);
        expect(violations).toBe(gaps.length - passed);
        // The tolerance, of 100 ms, does not add up to a higher rate.
        expect(passed).toBeLessThanOrEqual(1 + (nowMs + 100) / 200);
      }),
    );
  });

  it('does not take a refused call for one: who comes in time after it passes', () => {
    const meter = createMeter(rates);
    expect(meter.arrived('musicbrainz', 0)).toBe(true);
    for (const atMs of [100, 500, 890]) expect(meter.arrived('musicbrainz', atMs)).toBe(false);
    expect(meter.arrived('musicbrainz', 1000)).toBe(true);
    expect(meter.report().musicbrainz).toMatchObject({ calls: 5, violations: 3, closestMs: 100 });
  });

  it('never takes two calls at once for one, nor a rate that is a little too high', () => {
    for (const provider of ['spotify', 'musicbrainz'] as const) {
      const intervalMs = 1000 / rates[provider];
      const meter = createMeter(rates);
      expect([meter.arrived(provider, 5), meter.arrived(provider, 5)]).toEqual([true, false]);
      const fast = createMeter(rates);
      for (let n = 0; n < 200; n++) fast.arrived(provider, n * intervalMs * 0.97);
      expect(fast.report()[provider].violations).toBeGreaterThan(0);
    }
  });

  it('counts each provider by itself, and answers by status', () => {
    const meter = createMeter(rates);
    meter.arrived('spotify', 0);
    meter.arrived('lastfm', 0);
    for (const status of [200, 200, 503]) meter.answered('lastfm', status);
    const report = meter.report();
    expect(report.spotify).toMatchObject({ calls: 1, answered: 0, byStatus: {}, closestMs: null });
    expect(report.lastfm).toMatchObject({ calls: 1, answered: 3, byStatus: { 200: 2, 503: 1 } });
    expect(report.musicbrainz).toMatchObject({ calls: 0 });
  });

  it('finds nothing too early where the limit is lifted', () => {
    const meter = createMeter(unlimited);
    for (let n = 0; n < 1000; n++) expect(meter.arrived('spotify', 0)).toBe(true);
  });

  it('gives reports that later calls do not change', () => {
    const meter = createMeter(rates);
    meter.arrived('spotify', 0);
    const before = meter.report();
    meter.arrived('spotify', 1);
    meter.answered('spotify', 200);
    expect(before.spotify).toMatchObject({ calls: 1, violations: 0, byStatus: {} });
  });
});
