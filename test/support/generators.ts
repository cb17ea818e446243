import fc from 'fast-check';
import type { Answer, Candidate, Lookup, Outcome, SharedAnswer } from '../../src/domain/answer.ts';
import type { LeftOut } from '../../src/domain/events.ts';
import { providers } from '../../src/domain/provider.ts';
import type { TaskOrigin, TaskRequest } from '../../src/domain/task.ts';
import type { TrackValues } from '../../src/domain/track-values.ts';

/** Times within some days, as the ledger writes them. */
export const anyTime: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 3 * 24 * 3600 * 1000 })
  .map((ms) => new Date(Date.parse('2026-01-01T00:00:00.000Z') + ms).toISOString());

export const anyIsrc: fc.Arbitrary<string> = fc.stringMatching(/^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$/);

const anyText = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .map((text) => text.trim())
  .filter((text) => text !== '');
const anyProvider = fc.constantFrom(...providers);

/** Requests as `parseMessage` gives them: of any text, with whatever a publisher may add. */
export const anyRequest: fc.Arbitrary<TaskRequest> = fc.record({
  trackId: anyText,
  artist: anyText,
  title: anyText,
  isrc: fc.option(anyIsrc),
  durationMs: fc.option(fc.integer({ min: 1, max: 24 * 3600 * 1000 })),
  spotifyId: fc.option(fc.stringMatching(/^[0-9A-Za-z]{22}$/)),
  musicbrainzId: fc.option(fc.uuid()),
  priority: fc.integer({ min: 0, max: 10 }),
  source: fc.option(anyText),
  queuedAt: fc.option(anyTime),
  forceRefresh: fc.boolean(),
  extra: fc.dictionary(
    fc.string({ maxLength: 10 }).map((name) => `x_${name}`),
    // As JSON has it: it cannot write -0.
    fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown),
    { maxKeys: 4 },
  ),
});

export const anyOrigin: fc.Arbitrary<TaskOrigin> = fc.oneof(
  fc.constant<TaskOrigin>({ kind: 'request' }),
  fc.record({ kind: fc.constant('follow-up' as const), ofTaskId: fc.uuid(), provider: anyProvider }),
  fc.record({ kind: fc.constant('replay' as const), ofTaskId: fc.uuid(), n: fc.integer({ min: 1, max: 9 }) }),
);

/** Of few artists, titles and ISRCs, so that what providers answer often is the track, and often is not. */
const fewArtists = fc.constantFrom('Tiësto', 'Кино');
const fewTitles = fc.constantFrom('Adagio', 'Adagio (Live)');
const fewIsrcs = fc.constantFrom('GBAYE0601498', 'NLF710900101');
const fewDurationsMs = fc.option(fc.constantFrom(200_000, 203_000, 260_000), { freq: 2 });

/** Requests that `anyCandidate` may or may not be the track of. */
export const fewRequests: fc.Arbitrary<TaskRequest> = fc
  .record({
    artist: fewArtists,
    title: fewTitles,
    isrc: fc.option(fewIsrcs, { freq: 2 }),
    durationMs: fewDurationsMs,
    forceRefresh: fc.boolean(),
  })
  .map((parts) => ({ ...plainRequest, ...parts }));

export const plainRequest: TaskRequest = {
  trackId: 'track',
  artist: 'Tiësto',
  title: 'Adagio',
  isrc: null,
  durationMs: null,
  spotifyId: null,
  musicbrainzId: null,
  priority: 5,
  source: null,
  queuedAt: null,
  forceRefresh: false,
  extra: {},
};

/** A candidate that is the track of `plainRequest`. */
export const matching: Candidate = {
  id: 'c0',
  title: plainRequest.title,
  artists: [plainRequest.artist],
  durationMs: null,
  isrcs: [],
  values: { bpm: 120 },
};

const anyValues: fc.Arbitrary<Partial<TrackValues>> = fc.record(
  {
    isrc: fewIsrcs,
    spotifyId: fc.constantFrom('s1', 's2'),
    durationMs: fc.constantFrom(200_000, 260_000),
    bpm: fc.integer({ min: 60, max: 200 }),
    releaseDate: fc.constantFrom('2005', '2005-01-02'),
    genre: fc.constantFrom('trance', 'rock'),
    lastfmListeners: fc.nat(1000),
  },
  { requiredKeys: [] },
);

export const anyCandidate: fc.Arbitrary<Candidate> = fc.record({
  id: fc.constantFrom('', 'c1', 'c2'),
  title: fewTitles,
  artists: fewArtists.map((artist) => [artist]),
  durationMs: fewDurationsMs,
  isrcs: fc.subarray(['GBAYE0601498', 'NLF710900101']),
  values: anyValues,
});

export const anyFound: fc.Arbitrary<Extract<Answer, { kind: 'found' }>> = fc.record({
  kind: fc.constant('found' as const),
  candidates: fc.array(anyCandidate, { maxLength: 3 }),
  bodyHash: fc.constant('hash'),
});

export const anyAnswer: fc.Arbitrary<Answer> = fc.oneof(
  { arbitrary: anyFound, weight: 2 },
  {
    arbitrary: fc.record({
      kind: fc.constant('missing' as const),
      reason: fc.constantFrom('no-result' as const, 'shadow-entry' as const),
      bodyHash: fc.constant('hash'),
    }),
    weight: 1,
  },
);

export const anyNoAnswer: fc.Arbitrary<Exclude<Outcome, Answer>> = fc.oneof(
  fc.record({
    kind: fc.constant('unavailable' as const),
    reason: fc.constantFrom('timeout' as const, 'server-error' as const, 'overloaded' as const),
    retryAfterMs: fc.option(fc.nat(5000)),
    message: fc.constant('away'),
  }),
  fc.record({
    kind: fc.constant('throttled' as const),
    scope: fc.constantFrom('rate' as const, 'quota' as const),
    retryAfterMs: fc.nat(60_000),
    message: fc.constant('slow down'),
  }),
  fc.constant({ kind: 'unauthorised' as const, message: 'who are you?' }),
  fc.constant({ kind: 'misused' as const, message: 'bad query' }),
);

export const anyOutcome: fc.Arbitrary<Outcome> = fc.oneof(anyAnswer, anyNoAnswer);

export const anyLookup: fc.Arbitrary<Lookup> = fc.oneof(
  fewIsrcs.map((isrc) => ({ kind: 'isrc' as const, isrc })),
  fc.record({ kind: fc.constant('search' as const), artist: fewArtists, title: fewTitles }),
);

export const anySharedAnswer: fc.Arbitrary<SharedAnswer> = fc.record({
  provider: anyProvider,
  lookup: anyLookup,
  answer: anyAnswer,
  calledAt: anyTime,
  eventId: fc.uuid(),
});

export const anyLeftOut: fc.Arbitrary<LeftOut> = fc.record({
  provider: anyProvider,
  cause: fc.constantFrom('waiting' as const, 'fault' as const),
  until: anyTime,
});
