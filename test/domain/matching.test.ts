import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../src/domain/answer.ts';
import { matchCandidates } from '../../src/domain/matching.ts';
import { normaliseText } from '../../src/domain/normalise.ts';
import { defaultRules } from '../../src/domain/rules.ts';
import type { TaskRequest } from '../../src/domain/task.ts';
import {
  anyCandidate,
  anyIsrc,
  anyRequest,
  fewRequests,
  matching,
  plainRequest,
} from '../support/generators.ts';

function isMatch(request: TaskRequest, candidate: Candidate): boolean {
  return matchCandidates(request, [candidate]).match !== null;
}

/** The track that is asked for, as a provider would describe it. */
function asAsked({ artist, title, durationMs }: TaskRequest): Candidate {
  return { ...matching, title, artists: [artist], durationMs, isrcs: [] };
}

const anyLatin = fc
  .array(fc.stringMatching(/^[a-zà-öø-ÿ]{2,8}$/), { minLength: 1, maxLength: 3 })
  .map((words) => words.join(' '))
  .filter((text) => /^[a-z0-9]/.test(normaliseText(text)));

const anyNamed = fc
  .record({ artist: anyLatin, title: anyLatin })
  .map((parts): TaskRequest => ({ ...plainRequest, ...parts }));

describe('a candidate is the track', () => {
  it('where it is named as asked, in whatever script', () => {
    fc.assert(
      fc.property(anyRequest, (request) => isMatch(request, asAsked(request))),
      { numRuns: 500 },
    );
  });

  it.each<[string, (text: string) => string]>([
    ['in capitals', (text) => text.toUpperCase()],
    ['without diacritics', (text) => text.normalize('NFD').replaceAll(/\p{M}/gu, '')],
    ['with other spacing', (text) => `  ${text.replaceAll(' ', '\u00a0 ')} `],
    ['with punctuation', (text) => `${text.replaceAll(' ', ', ')}.`],
  ])('named %s', (_, change) => {
    fc.assert(
      fc.property(anyNamed, (request) => {
        const { title, artist } = request;
        expect(isMatch(request, { ...matching, title: change(title), artists: [change(artist)] })).toBe(true);
      }),
    );
  });

  it('by an equal ISRC, whatever it is called and however long it is', () => {
    fc.assert(
      fc.property(anyRequest, anyCandidate, anyIsrc, (request, candidate, isrc) => {
        const asked = { ...request, isrc };
        const { match } = matchCandidates(asked, [{ ...candidate, isrcs: ['XX0000000000', isrc] }]);
        expect(match).toMatchObject({ confidence: 1, reasons: ['same-isrc'] });
      }),
    );
  });

  it('within 5 s where both durations are known, whatever the other is where one is not', () => {
    const duration = fc.option(fc.integer({ min: 180_000, max: 200_000 }));
    fc.assert(
      fc.property(duration, duration, (asked, offered) => {
        const request = { ...plainRequest, durationMs: asked };
        const apart = asked === null || offered === null ? 0 : Math.abs(asked - offered);
        const candidate = { ...asAsked(request), durationMs: offered };
        expect(isMatch(request, candidate)).toBe(apart <= defaultRules.matching.durationToleranceMs);
      }),
    );
    expect(defaultRules.matching.durationToleranceMs).toBe(5000);
  });

  it.each([
    ['A & B', 'Song', ['A', 'B'], 'Song'],
    ['B, A', 'Song', ['A', 'B'], 'Song'],
    ['A feat. B', 'Song', ['A', 'B'], 'Song'],
    ['A', 'Song (feat. B)', ['A', 'B'], 'Song'],
    ['A', 'Song (feat. B)', ['A', 'B'], 'Song (feat. B)'],
    ['A ft. B', 'Song', ['A'], 'Song (feat. B)'],
    ['A', 'Song (feat. B)', ['A'], 'Song'],
    ['A', 'Song', ['A'], 'Song (feat. B)'],
    ['A', 'Song（feat. B）', ['A'], 'Song (with B)'],
    ['!!!', '???', ['!!!'], '???'],
  ])('%j with %j is %j with %j', (artist, title, artists, offered) => {
    expect(isMatch({ ...plainRequest, artist, title }, { ...matching, title: offered, artists })).toBe(true);
  });
});

describe('a candidate is not the track', () => {
  const decoyed = fc.constantFrom<(title: string) => string>(
    (title) => `${title} (Club Remix)`,
    (title) => `${title} - Live`,
    (title) => `${title} [Cover]`,
    (title) => `${title} (Acoustic Version)`,
    (title) => `${title} (feat. Nobody) (Live)`,
    (title) => `${title} Remix (feat. Nobody)`,
    (title) => `${title} (Instrumental)`,
  );

  it('where one side is a remix, live, or a cover', () => {
    fc.assert(
      fc.property(anyNamed, decoyed, (request, decoy) => {
        const offered = { ...asAsked(request), title: decoy(request.title) };
        expect(isMatch(request, offered)).toBe(false);
        expect(isMatch({ ...request, title: offered.title }, asAsked(request))).toBe(false);
      }),
    );
  });

  it('by another artist, or with one artist more or less', () => {
    fc.assert(
      fc.property(anyNamed, (request) => {
        const others = [['Qqqq'], [request.artist, 'Qqqq'], []];
        for (const artists of others) expect(isMatch(request, { ...asAsked(request), artists })).toBe(false);
      }),
    );
  });

  it('with other guests', () => {
    const request = { ...plainRequest, artist: 'A', title: 'Song (feat. B)' };
    expect(isMatch(request, { ...matching, artists: ['A'], title: 'Song (feat. C)' })).toBe(false);
  });

  it('by another ISRC alone: that says nothing', () => {
    const request = { ...plainRequest, isrc: 'GBAYE0601498' };
    expect(isMatch(request, { ...asAsked(request), isrcs: ['NLF710900101'] })).toBe(true);
    expect(isMatch(request, { ...asAsked(request), title: 'Other', isrcs: ['NLF710900101'] })).toBe(false);
  });
});

describe('of several candidates', () => {
  const anyCandidates = fc.array(anyCandidate, { maxLength: 6 });

  it('the match is one of them, the most sure, the first of equals; the others are judged by reasons', () => {
    fc.assert(
      fc.property(fewRequests, anyCandidates, (request, candidates) => {
        const { match, rejected } = matchCandidates(request, candidates);
        const alone = candidates.map((one) => matchCandidates(request, [one]).match?.confidence ?? 0);
        const best = Math.max(0, ...alone);
        expect(match?.candidate).toBe(best === 0 ? undefined : candidates[alone.indexOf(best)]);
        expect(rejected.map(({ candidate }) => candidate)).toEqual(
          candidates.filter((_, at) => alone[at] === 0),
        );
        for (const { reasons } of rejected) expect(reasons.length).toBeGreaterThan(0);
        if (match !== null) expect(match.confidence).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('one more that is none changes nothing', () => {
    fc.assert(
      fc.property(fewRequests, anyCandidates, fc.nat(6), (request, candidates, at) => {
        const stranger = { ...matching, title: 'Nothing like it' };
        const more = candidates.toSpliced(at, 0, stranger);
        expect(matchCandidates(request, more).match).toEqual(matchCandidates(request, candidates).match);
      }),
    );
  });
});
