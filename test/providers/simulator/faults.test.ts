import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Provider, providers } from '../../../src/domain/provider.ts';
import { type Faults, faultOf, noFaults, throttled } from '../../../src/providers/simulator/faults.ts';

const calls = 4000;
const anyProvider = fc.constantFrom(...providers);
const anySeed = fc.nat(2 ** 31);

function faultsOf(faults: Partial<Faults>, seed: number, provider: Provider) {
  return Array.from({ length: calls }, (_, n) =>
    faultOf({ ...noFaults, ...faults }, seed, provider, n + 1, 0),
  );
}

/** Within five standard deviations of the share: by chance it is outside once in millions of runs. */
function expectShare(count: number, share: number): void {
  const deviation = Math.sqrt((share * (1 - share)) / calls);
  expect(Math.abs(count / calls - share)).toBeLessThanOrEqual(5 * deviation + 1e-9);
}

function bodyOf(fault: ReturnType<typeof faultOf>): Record<string, unknown> {
  return fault === null || fault === 'hang' ? {} : (JSON.parse(fault.body) as Record<string, unknown>);
}

describe('faults', () => {
  it('never strike where none are asked for', () => {
    fc.assert(
      fc.property(
        anySeed,
        anyProvider,
        fc.nat(),
        fc.double({ min: 0, max: 1e6 }),
        (seed, provider, call, at) => {
          expect(faultOf(noFaults, seed, provider, call, at)).toBeNull();
        },
      ),
    );
  });

  it('strike the share of calls that was asked for, whatever the seed and the provider', () => {
    const kinds = ['errorShare', 'throttleShare', 'brokenBodyShare', 'hangShare'] as const;
    fc.assert(
      fc.property(
        anySeed,
        anyProvider,
        fc.constantFrom(...kinds),
        fc.constantFrom(0, 0.01, 0.1, 0.5, 1),
        (seed, provider, kind, share) => {
          const struck = faultsOf({ [kind]: share }, seed, provider).filter((fault) => fault !== null);
          expectShare(struck.length, share);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('keep their shares side by side', () => {
    const shares = { hangShare: 0.1, brokenBodyShare: 0.2, throttleShare: 0.1, errorShare: 0.3 };
    for (const provider of providers) {
      const all = faultsOf(shares, 7, provider);
      expectShare(all.filter((one) => one === 'hang').length, 0.1);
      expectShare(all.filter((one) => one === null).length, 0.3);
      const statuses = all.map((one) => (one === null || one === 'hang' ? 0 : one.status));
      if (provider === 'spotify') expectShare(statuses.filter((one) => one === 429).length, 0.1);
      if (provider === 'spotify') expectShare(statuses.filter((one) => one >= 500).length, 0.3);
    }
  });

  it('strike the same calls with the same seed, and others with another', () => {
    fc.assert(
      fc.property(anySeed, anySeed, anyProvider, (seed, other, provider) => {
        const faults = { errorShare: 0.3, hangShare: 0.2 };
        const struck = faultsOf(faults, seed, provider);
        expect(faultsOf(faults, seed, provider)).toEqual(struck);
        if (other !== seed) expect(faultsOf(faults, other, provider)).not.toEqual(struck);
      }),
      { numRuns: 20 },
    );
  });

  it('strike the providers independently of each other', () => {
    const struck = (provider: Provider) =>
      faultsOf({ errorShare: 0.5 }, 3, provider).map((one) => one !== null);
    const [spotify, musicbrainz] = [struck('spotify'), struck('musicbrainz')];
    expectShare(spotify.filter((one, n) => one === musicbrainz[n]).length, 0.5);
  });
});

describe('the kinds of faults', () => {
  it("have each provider's own errors", () => {
    for (const fault of faultsOf({ errorShare: 1 }, 1, 'spotify')) {
      expect(bodyOf(fault)).toMatchObject({ error: { status: expect.toSatisfy((one) => one >= 500) } });
    }
    const musicbrainz = new Set(
      faultsOf({ errorShare: 1 }, 1, 'musicbrainz').map(
        (one) => one !== null && one !== 'hang' && one.status,
      ),
    );
    expect(musicbrainz).toEqual(new Set([502, 503]));
    const lastfm = faultsOf({ errorShare: 1 }, 1, 'lastfm');
    expect(new Set(lastfm.map((one) => bodyOf(one).error))).toEqual(new Set([8, 11, 16]));
    expect(new Set(lastfm.map((one) => one !== null && one !== 'hang' && one.status))).toEqual(
      new Set([200, 500]),
    );
  });

  it("tell MusicBrainz' two 503s apart by zone, budget, words and Retry-After", () => {
    const [busy] = faultsOf({ musicbrainzBusyShare: 1 }, 1, 'musicbrainz');
    const own = throttled('musicbrainz', 1);
    expect(busy).toMatchObject({
      status: 503,
      headers: { 'retry-after': '0', 'x-ratelimit-zone': 'global', 'x-ratelimit-remaining': '12' },
    });
    expect(own).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1', 'x-ratelimit-remaining': '0' },
    });
    expect(own.headers['x-ratelimit-zone']).toMatch(/^ws ip=/);
    expect(busy !== undefined && busy !== null && busy !== 'hang' && busy.body).toContain('currently busy');
    expect(own.body).toContain('exceeding the allowable rate limit');
  });

  it("put Last.fm's errors inside HTTP 200", () => {
    for (const fault of faultsOf({ lastfmErrorShare: 1 }, 1, 'lastfm')) {
      expect(fault).toMatchObject({ status: 200 });
      expect([8, 11, 16]).toContain(bodyOf(fault).error);
    }
    for (const provider of ['spotify', 'musicbrainz'] as const) {
      expect(faultsOf({ lastfmErrorShare: 1 }, 1, provider).every((one) => one === null)).toBe(true);
    }
    expect(faultsOf({ musicbrainzBusyShare: 1 }, 1, 'spotify').every((one) => one === null)).toBe(true);
  });

  it('refuse with 429 and Retry-After at Spotify, and error 29 at Last.fm', () => {
    expect(faultsOf({ throttleShare: 1 }, 1, 'spotify')[0]).toMatchObject({
      status: 429,
      headers: { 'retry-after': '2' },
      body: JSON.stringify({ error: { status: 429, message: 'API rate limit exceeded' } }),
    });
    const [lastfm = null] = faultsOf({ throttleShare: 1 }, 1, 'lastfm');
    expect(lastfm).toMatchObject({ status: 429 });
    expect(bodyOf(lastfm).error).toBe(29);
  });

  it('break bodies in two ways: cut off, and HTML; neither is JSON', () => {
    const bodies = new Set(
      faultsOf({ brokenBodyShare: 1 }, 1, 'spotify').map((one) =>
        one === null || one === 'hang' ? '' : one.body,
      ),
    );
    expect(bodies.size).toBe(2);
    for (const body of bodies) expect(() => JSON.parse(body)).toThrow();
  });

  it('let nothing through in an outage, from its first second to before its last, for whom it is meant', () => {
    const during = (at: number, provider: Provider, whose: Provider | 'all') =>
      faultOf(
        { ...noFaults, outage: { fromSeconds: 10, toSeconds: 25, provider: whose } },
        1,
        provider,
        1,
        at,
      );
    for (const at of [10, 17.5, 24.999]) {
      expect(during(at, 'lastfm', 'all')).toMatchObject({ status: 503 });
      expect(during(at, 'lastfm', 'lastfm')).toMatchObject({ status: 503 });
      expect(during(at, 'spotify', 'lastfm')).toBeNull();
    }
    for (const at of [0, 9.999, 25, 1e6]) expect(during(at, 'lastfm', 'all')).toBeNull();
  });
});
