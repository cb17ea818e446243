import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seeded, seededText } from '../../../src/providers/simulator/seeded.ts';
import { plainTracks, searches, withSimulator } from './running.ts';

const anyWords = fc.array(fc.oneof(fc.string(), fc.nat()), { minLength: 1, maxLength: 4 });

describe('seeded chance', () => {
  it('is a number from 0 to below 1 that depends on seed and words alone', () => {
    fc.assert(
      fc.property(fc.integer(), anyWords, (seed, words) => {
        const one = seeded(seed, ...words);
        expect(one).toBeGreaterThanOrEqual(0);
        expect(one).toBeLessThan(1);
        expect(seeded(seed, ...words)).toBe(one);
      }),
    );
  });

  it('is spread evenly over words that are alike, for any seed', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), (seed) => {
        const tenths = Array.from({ length: 10 }, () => 0);
        for (let n = 0; n < 2000; n++) {
          const tenth = Math.floor(seeded(seed, 'word', n) * 10);
          tenths[tenth] = (tenths[tenth] ?? 0) + 1;
        }
        for (const count of tenths) {
          expect(count).toBeGreaterThan(130);
          expect(count).toBeLessThan(270);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps words apart', () => {
    expect(seeded(1, 'a', 'b')).not.toBe(seeded(1, 'ab'));
    expect(seeded(1, 'a', 'b')).not.toBe(seeded(1, 'b', 'a'));
    expect(seededText(1, 22, 'abc', 'x')).toMatch(/^[abc]{22}$/);
  });
});

describe('a seed', () => {
  /** Everything that a simulator says to the same calls, byte for byte, apart from the time. */
  async function told(seed: number): Promise<readonly string[]> {
    const said: string[] = [];
    const faults = {
      errorShare: 0.1,
      musicbrainzBusyShare: 0.1,
      lastfmErrorShare: 0.1,
      throttleShare: 0.1,
      retryAfterSeconds: 2,
      brokenBodyShare: 0.1,
      hangShare: 0,
      outage: null,
    };
    const tracks = plainTracks(60);
    await withSimulator({ seed, tracks, unknownShare: 0.2, decoyShare: 0.4, faults }, async (simulator) => {
      for (const { artist, title } of [...tracks, { artist: 'Nobody', title: 'Nothing' }]) {
        for (const search of Object.values(searches)) {
          const { status, headers, body } = await search(simulator, artist, title);
          said.push(JSON.stringify([status, { ...headers, date: null }, body]));
        }
      }
    });
    return said;
  }

  it('makes the same answers byte for byte; another seed makes others', async () => {
    const [first, again, other] = await Promise.all([told(42), told(42), told(43)]);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    const differing = first.filter((one, n) => one !== other[n]).length;
    expect(differing).toBeGreaterThan(first.length / 2);
  });
});
