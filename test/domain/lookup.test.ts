import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lookup, Outcome } from '../../src/domain/answer.ts';
import { lookupKey, nextLookup, settles } from '../../src/domain/lookup.ts';
import { type Provider, providers } from '../../src/domain/provider.ts';
import { anyOutcome, anyRequest, fewRequests, matching, plainRequest } from '../support/generators.ts';

const isrc = 'GBAYE0601498';
const search: Lookup = { kind: 'search', artist: plainRequest.artist, title: plainRequest.title };
const byIsrc: Lookup = { kind: 'isrc', isrc };
const found: Outcome = { kind: 'found', candidates: [matching], bodyHash: 'hash' };
const other: Outcome = { kind: 'found', candidates: [{ ...matching, title: 'Other' }], bodyHash: 'hash' };
const missing: Outcome = { kind: 'missing', reason: 'no-result', bodyHash: 'hash' };
const misused: Outcome = { kind: 'misused', message: 'bad query' };
const away: Outcome = { kind: 'unavailable', reason: 'timeout', retryAfterMs: null, message: 'away' };
const throttled: Outcome = { kind: 'throttled', scope: 'rate', retryAfterMs: 1, message: 'slow down' };
const refused: Outcome = { kind: 'unauthorised', message: 'who are you?' };

describe('what a provider is asked next', () => {
  it.each<[string, Provider, string | null, readonly [Lookup, Outcome][], Lookup | null]>([
    ['at first by ISRC, where there is one', 'spotify', isrc, [], byIsrc],
    ['by ISRC as it is stored', 'musicbrainz', 'gb-aye-06-01498', [], byIsrc],
    ['by name where there is none', 'spotify', null, [], search],
    ['by name where what should be one is none', 'spotify', 'no isrc', [], search],
    ['by name where it does not find by ISRC', 'lastfm', isrc, [], search],
    ['by name after nothing was found by ISRC', 'spotify', isrc, [[byIsrc, missing]], search],
    ['by name after another track was found by ISRC', 'spotify', isrc, [[byIsrc, other]], search],
    ['by name after the ISRC was refused', 'spotify', isrc, [[byIsrc, misused]], search],
    ['the same after a failure', 'spotify', isrc, [[byIsrc, away]], byIsrc],
    ['the same after it was throttled', 'spotify', null, [[search, throttled]], search],
    ['the same after it refused our credentials', 'spotify', null, [[search, refused]], search],
    ['nothing after a match by ISRC', 'spotify', isrc, [[byIsrc, found]], null],
    ['nothing after a match by name', 'lastfm', isrc, [[search, found]], null],
    ['nothing after nothing was found by name', 'lastfm', null, [[search, missing]], null],
    [
      'nothing after both came to nothing',
      'spotify',
      isrc,
      [
        [byIsrc, missing],
        [search, misused],
      ],
      null,
    ],
  ])('%s', (_, provider, known, answered, expected) => {
    const outcomes = answered.map(([lookup, outcome]) => ({ lookup, outcome }));
    expect(nextLookup(provider, { ...plainRequest, isrc: known }, outcomes)).toEqual(expected);
  });

  it('is over after at most two answers, never the same twice', () => {
    fc.assert(
      fc.property(
        fewRequests,
        fc.constantFrom(...providers),
        fc.infiniteStream(anyOutcome),
        (request, provider, says) => {
          const outcomes: { lookup: Lookup; outcome: Outcome }[] = [];
          const settled: string[] = [];
          for (const outcome of says) {
            const lookup = nextLookup(provider, request, outcomes);
            if (lookup === null) break;
            outcomes.push({ lookup, outcome });
            if (settles(outcome)) settled.push(lookup.kind);
          }
          expect(new Set(settled).size).toBe(settled.length);
          expect(settled.length).toBeLessThanOrEqual(provider === 'lastfm' || request.isrc === null ? 1 : 2);
        },
      ),
    );
  });
});

describe('the key of a lookup', () => {
  it('is one for texts that are compared as one, and tells apart providers, kinds, and what is asked', () => {
    const keyOf = (artist: string, title: string) => lookupKey('spotify', { kind: 'search', artist, title });
    expect(keyOf('TIËSTO & Kirsty', 'Adagio  (Live)')).toBe(keyOf('Kirsty feat. Tiesto', 'adagio live'));
    const different = [
      ...providers.flatMap((provider) => [lookupKey(provider, search), lookupKey(provider, byIsrc)]),
      keyOf('A', 'Song'),
      keyOf('A', 'Song (Live)'),
      keyOf('A', 'Song (feat. B)'),
      keyOf('A Song', ''),
      keyOf(':', '::'),
      keyOf('::', ':'),
    ];
    expect(new Set(different).size).toBe(different.length);
  });

  it('is the same for the same question, and of a length that its texts bound', () => {
    fc.assert(
      fc.property(anyRequest, fc.constantFrom(...providers), ({ artist, title }, provider) => {
        const key = lookupKey(provider, { kind: 'search', artist, title });
        expect(lookupKey(provider, { kind: 'search', artist: artist.toLowerCase(), title })).toBe(key);
        expect(key.startsWith(`v1:${provider}:search:`)).toBe(true);
      }),
    );
  });
});
