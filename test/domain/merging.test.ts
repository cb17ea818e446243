import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchCandidates } from '../../src/domain/matching.ts';
import { mergeSnapshot, newestRequest } from '../../src/domain/merging.ts';
import { providers } from '../../src/domain/provider.ts';
import type { RecordedOutcome } from '../../src/domain/state.ts';
import { trackFields } from '../../src/domain/track-values.ts';
import { anyFound, fewRequests, matching, plainRequest } from '../support/generators.ts';
import { anyStream, anyWorkersStream } from '../support/streams.ts';

const lookup = { kind: 'search', artist: 'a', title: 't' } as const;

/** Answers of a stream, oldest first. */
const anyFindings = fc
  .array(fc.tuple(fc.constantFrom(...providers), anyFound), { maxLength: 8 })
  .map((answers) =>
    answers.map(([provider, outcome], revision): RecordedOutcome => {
      const eventId = `event-${revision}`;
      return { taskId: 'task', provider, lookup, outcome, calledAt: '', eventId, revision };
    }),
  );

function finding(
  revision: number,
  provider: (typeof providers)[number],
  values: (typeof matching)['values'],
): RecordedOutcome {
  const outcome = { kind: 'found', candidates: [{ ...matching, values }], bodyHash: 'hash' } as const;
  return { taskId: 'task', provider, lookup, outcome, calledAt: '', eventId: `event-${revision}`, revision };
}

describe('the snapshot', () => {
  it('has every value that any matching answer of the stream brings, and no other', () => {
    fc.assert(
      fc.property(fewRequests, anyFindings, (request, findings) => {
        const { snapshot, sources } = mergeSnapshot(request, findings);
        const matches = findings.flatMap((one) => {
          const candidates = one.outcome.kind === 'found' ? one.outcome.candidates : [];
          const { match } = matchCandidates(request, candidates);
          return match === null ? [] : [{ ...one, match }];
        });
        expect(sources).toEqual(providers.filter((one) => matches.some(({ provider }) => provider === one)));
        for (const field of trackFields) {
          const values = matches.filter(({ match }) => match.candidate.values[field] !== undefined);
          expect(field in snapshot).toBe(values.length > 0);
          const source = snapshot[field];
          if (source === undefined) continue;
          // Every value says which event brought it, and how sure the match was.
          const from = values.find(({ eventId }) => eventId === source.eventId);
          const { value, provider, revision, confidence } = source;
          expect([from?.match.candidate.values[field], from?.provider, from?.revision]).toEqual([
            value,
            provider,
            revision,
          ]);
          expect(confidence).toBe(from?.match.confidence);
        }
      }),
    );
  });

  it('never loses a value by one more answer', () => {
    fc.assert(
      fc.property(fewRequests, anyFindings, (request, findings) => {
        let before: string[] = [];
        for (let length = 0; length <= findings.length; length++) {
          const fields = Object.keys(mergeSnapshot(request, findings.slice(0, length)).snapshot);
          expect(fields).toEqual(expect.arrayContaining(before));
          before = fields;
        }
      }),
    );
  });

  it('takes a value of the provider that is trusted most with it, whatever came first', () => {
    const known = { bpm: 1, releaseDate: '2001', genre: 'rock' };
    const answers = providers.map((provider, index) => finding(index, provider, { ...known, bpm: index }));
    for (const order of [answers, answers.toReversed()]) {
      const { snapshot } = mergeSnapshot(plainRequest, order);
      expect([snapshot.bpm, snapshot.releaseDate, snapshot.genre].map((one) => one?.provider)).toEqual([
        'spotify',
        'musicbrainz',
        'musicbrainz',
      ]);
    }
    const { snapshot } = mergeSnapshot(
      plainRequest,
      answers.filter(({ provider }) => provider !== 'musicbrainz'),
    );
    expect([snapshot.releaseDate?.provider, snapshot.genre?.provider]).toEqual(['spotify', 'lastfm']);
  });

  it('takes the newest value of one provider; an older answer fills what the newer lacks', () => {
    const answers = [finding(3, 'spotify', { bpm: 100, album: 'Old' }), finding(9, 'spotify', { bpm: 101 })];
    const { snapshot } = mergeSnapshot(plainRequest, answers);
    expect(snapshot.bpm).toMatchObject({ value: 101, eventId: 'event-9', revision: 9 });
    expect(snapshot.album).toMatchObject({ value: 'Old', eventId: 'event-3', revision: 3 });
  });

  it('keeps values that are nothing to speak of: 0 is one', () => {
    const { snapshot } = mergeSnapshot(plainRequest, [finding(0, 'lastfm', { lastfmListeners: 0 })]);
    expect(snapshot.lastfmListeners?.value).toBe(0);
  });
});

describe('in a stream', () => {
  it('every value of every snapshot stands in an earlier event that counts, in an answer to the newest request', () => {
    fc.assert(
      fc.property(anyWorkersStream, ({ events, states }) => {
        for (const [at, { event }] of events.entries()) {
          const state = states[at];
          if (event.type !== 'Enriched' || state === undefined) continue;
          const request = newestRequest(state) ?? state.tasks.get(event.meta.taskId)?.request;
          if (request === undefined) return expect.fail('A task that was not received is enriched.');
          for (const source of Object.values(event.data.snapshot)) {
            const from = events[source.revision]?.event;
            expect(source.revision).toBeLessThan(at);
            expect(from?.id).toBe(source.eventId);
            if (from?.type === 'ApiCalled') expect(from.data.superseded).toBe(false);
            const answer =
              from?.type === 'ApiCalled'
                ? from.data.outcome
                : from?.type === 'CacheHit'
                  ? from.data.answer
                  : null;
            if (answer?.kind !== 'found') return expect.fail('A value comes from no answer.');
            const { match } = matchCandidates(request, answer.candidates);
            expect(Object.values(match?.candidate.values ?? {})).toContainEqual(source.value);
          }
        }
      }),
    );
  });

  it('no value goes while the newest request stays the same', () => {
    fc.assert(
      fc.property(anyWorkersStream, ({ events, states }) => {
        let fields: readonly string[] = [];
        let request: unknown = null;
        for (const [at, { event }] of events.entries()) {
          const state = states[at];
          if (event.type !== 'Enriched' || state === undefined) continue;
          const has = Object.keys(event.data.snapshot);
          // Without any request, each follow-up and replay is judged by its own.
          if (newestRequest(state) === request && request !== null)
            expect(has).toEqual(expect.arrayContaining([...fields]));
          fields = has;
          request = newestRequest(state);
        }
      }),
    );
  });

  it('a final failure takes nothing away', () => {
    fc.assert(
      fc.property(anyStream, ({ events, states }) => {
        for (const [at, { event }] of events.entries()) {
          if (event.type === 'Failed') expect(states[at + 1]?.enriched).toEqual(states[at]?.enriched);
        }
      }),
    );
  });
});

it('a corrected title drops what only fitted the old one, and keeps what fits both', () => {
  const isrc = 'GBAYE0601498';
  const candidate = { ...matching, title: 'Adagio' };
  const old = finding(1, 'spotify', { bpm: 100 });
  const outcome = { kind: 'found', candidates: [{ ...candidate, isrcs: [isrc] }], bodyHash: 'hash' } as const;
  const both: RecordedOutcome = { ...finding(2, 'musicbrainz', {}), outcome };
  const corrected = { ...plainRequest, title: 'Adagio for Strings', isrc };
  expect(mergeSnapshot(plainRequest, [old, both]).sources).toEqual(['spotify', 'musicbrainz']);
  expect(mergeSnapshot(corrected, [old, both]).sources).toEqual(['musicbrainz']);
});
