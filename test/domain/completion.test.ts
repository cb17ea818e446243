import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/domain/answer.ts';
import type { CompleteHop } from '../../src/domain/decide.ts';
import type { LeftOut, TrackEvent } from '../../src/domain/events.ts';
import { type Provider, providers } from '../../src/domain/provider.ts';
import { defaultRetryPolicy } from '../../src/domain/retry-policy.ts';
import type { TaskOrigin } from '../../src/domain/task.ts';
import { matching, plainRequest } from '../support/generators.ts';
import { grow, type Step } from '../support/streams.ts';

const at = '2026-01-01T00:00:00.000Z';
const policy = defaultRetryPolicy;

/** What a provider came to in the hop; `waiting` and `fault` with the seconds until it opens. */
type Came = 'source' | 'other track' | 'missing' | 'misused' | 'refused' | ['waiting' | 'fault', number];

const outcomes: Readonly<Record<'source' | 'other track' | 'missing' | 'misused', Outcome>> = {
  source: { kind: 'found', candidates: [matching], bodyHash: 'hash' },
  'other track': { kind: 'found', candidates: [{ ...matching, title: 'Another' }], bodyHash: 'hash' },
  missing: { kind: 'missing', reason: 'no-result', bodyHash: 'hash' },
  misused: { kind: 'misused', message: 'bad query' },
};

interface Hop {
  readonly taskId?: string;
  readonly origin?: TaskOrigin;
  readonly hop?: number;
  readonly random?: number;
  readonly came: Readonly<Partial<Record<Provider, Came>>>;
}

/** The steps of a hop as a worker takes them. */
function stepsOf({ taskId = 'task', origin = { kind: 'request' }, hop = 0, random = 0, came }: Hop): Step[] {
  const context = { at, taskId, hop, correlationId: 'c', causationId: null, traceparent: null };
  const asked = providers.flatMap((provider) => (came[provider] === undefined ? [] : [provider]));
  const lookup = { kind: 'search', artist: plainRequest.artist, title: plainRequest.title } as const;
  const leftOut: LeftOut[] = [];
  const calls = asked.flatMap((provider): Step[] => {
    const one = came[provider];
    if (Array.isArray(one)) leftOut.push({ provider, cause: one[0], until: secondsOn(one[1]) });
    if (one === undefined || one === 'refused' || Array.isArray(one)) return [];
    const call = { provider, lookup, outcome: outcomes[one], httpStatus: 200, durationMs: 1, calledAt: at };
    return [{ ...context, eventId: `${taskId}-${hop}-${provider}`, type: 'RecordCall', call }];
  });
  const needed = asked.filter((provider) => came[provider] !== 'refused');
  const receipt = {
    type: 'ReceiveTask',
    request: plainRequest,
    origin,
    deliveredAgain: false,
    policy,
  } as const;
  const complete: Omit<CompleteHop, keyof typeof context | 'eventId'> = {
    type: 'CompleteHop',
    needed,
    leftOut,
    policy,
    random,
  };
  return [
    { ...context, eventId: `${taskId}-${hop}-received`, ...receipt },
    ...calls,
    { ...context, eventId: `${taskId}-${hop}-decided`, ...complete },
  ];
}

function secondsOn(seconds: number): string {
  return new Date(Date.parse(at) + seconds * 1000).toISOString();
}

function decisionsOf(...hops: readonly Hop[]): readonly TrackEvent[] {
  return grow(hops.flatMap(stepsOf)).events.flatMap(({ event }) =>
    event.type === 'TaskReceived' || event.type === 'ApiCalled' ? [] : [event],
  );
}

const none: Hop['came'] = { spotify: 'missing', musicbrainz: 'other track', lastfm: 'misused' };
const enrichedBefore: Hop = { taskId: 'before', came: { ...none, spotify: 'source' } };

describe('what is decided once every needed provider was asked', () => {
  it.each<[string, Hop['came'], Hop | null, object | null]>([
    [
      'two sources',
      { ...none, spotify: 'source', lastfm: 'source' },
      null,
      { status: 'completed', leftOut: [] },
    ],
    [
      'one source',
      { ...none, lastfm: 'source' },
      null,
      { status: 'partial', sources: ['lastfm'], leftOut: [] },
    ],
    [
      'one source, and others left out by fault and waiting',
      { spotify: 'source', musicbrainz: ['waiting', 9], lastfm: ['fault', 0] },
      null,
      {
        status: 'partial',
        leftOut: [
          { provider: 'musicbrainz', cause: 'waiting', until: secondsOn(9) },
          { provider: 'lastfm', cause: 'fault', until: at },
        ],
      },
    ],
    [
      'one source, and one in the snapshot from before',
      { ...none, lastfm: 'source' },
      enrichedBefore,
      { status: 'completed', sources: ['spotify', 'lastfm'] },
    ],
    ['no source, but values from before', none, enrichedBefore, { status: 'partial', sources: ['spotify'] }],
    ['no source and no values', none, null, { reason: 'not_found', final: true, retryAt: null, attempt: 0 }],
    [
      'no source, one waits',
      { ...none, lastfm: ['waiting', 9] },
      null,
      { until: secondsOn(9), leftOut: [{ provider: 'lastfm', cause: 'waiting', until: secondsOn(9) }] },
    ],
    [
      'no source, several wait: until the earliest opening',
      { spotify: ['waiting', 30], musicbrainz: ['waiting', 9], lastfm: 'missing' },
      null,
      { until: secondsOn(9) },
    ],
    [
      'no source, one waits, values from before',
      { lastfm: ['waiting', 9] },
      enrichedBefore,
      { until: secondsOn(9) },
    ],
    [
      'no source, a fault: again after the backoff, which is later than the opening',
      { ...none, lastfm: ['fault', 0] },
      null,
      { reason: 'unavailable', final: false, attempt: 1, retryAt: secondsOn(1) },
    ],
    [
      'no source, a fault and a closure: again at the earliest opening, which is later than the backoff',
      { spotify: ['waiting', 300], musicbrainz: ['fault', 7], lastfm: 'missing' },
      null,
      { reason: 'unavailable', final: false, attempt: 1, retryAt: secondsOn(7) },
    ],
    [
      'a provider that refuses our credentials counts as not configured',
      { spotify: 'refused', musicbrainz: 'source', lastfm: 'missing' },
      null,
      { status: 'partial', leftOut: [] },
    ],
    ['every provider refuses our credentials: nothing can be said', { spotify: 'refused' }, null, null],
  ])('%s', (_, came, before, expected) => {
    const decisions = decisionsOf(...(before === null ? [] : [before]), { came });
    const [decision] = decisions.slice(before === null ? 0 : 1);
    if (expected === null) expect(decision).toBeUndefined();
    else expect(decision?.data).toMatchObject(expected);
    expect(decisions).toHaveLength((before === null ? 0 : 1) + (expected === null ? 0 : 1));
  });

  it('a track of which no value is known is not found, though something of it matched before', () => {
    const empty = { ...matching, values: {} };
    const [receipt, call, complete] = stepsOf({ came: { spotify: 'source' } });
    if (call === undefined || !('call' in call) || receipt === undefined || complete === undefined)
      return expect.fail('The steps of a hop are others.');
    const outcome = { kind: 'found', candidates: [empty], bodyHash: 'hash' } as const;
    const before = [receipt, { ...call, call: { ...call.call, outcome } }, complete];
    const after = stepsOf({ taskId: 'next', came: none });
    expect(grow([...before, ...after]).events.at(-1)?.event.data).toMatchObject({ reason: 'not_found' });
  });

  it('an earlier hop counts: what was answered there is not left out, nor asked for again', () => {
    const first: Hop = { came: { spotify: ['fault', 0], musicbrainz: 'missing', lastfm: 'missing' } };
    const second: Hop = {
      hop: 1,
      came: { spotify: 'source', musicbrainz: ['fault', 0], lastfm: ['fault', 0] },
    };
    expect(decisionsOf(first, second).at(-1)?.data).toMatchObject({ sources: ['spotify'], leftOut: [] });
  });

  it('a follow-up needs its provider alone and leaves none out', () => {
    const origin: TaskOrigin = { kind: 'follow-up', ofTaskId: 'before', provider: 'lastfm' };
    const followUp = (one: Came) =>
      decisionsOf(enrichedBefore, { taskId: 'next', origin, came: { lastfm: one } })[1];
    expect(followUp('source')?.data).toMatchObject({ status: 'completed', leftOut: [] });
    expect(followUp('missing')?.data).toMatchObject({ status: 'partial', leftOut: [] });
    expect(followUp('refused')?.data).toMatchObject({ status: 'partial', leftOut: [] });
    expect(followUp(['waiting', 9])?.type).toBe('Deferred');
    expect(followUp(['fault', 0])?.data).toMatchObject({ final: false });
  });
});

describe('attempts are counted in the stream', () => {
  const hops = fc.array(fc.constantFrom<'waiting' | 'fault'>('waiting', 'fault'), { maxLength: 30 });

  it('a hop that failed is one, a hop that was deferred is none, the fifth ends the task', () => {
    fc.assert(
      fc.property(hops, (causes) => {
        const decisions = decisionsOf(
          ...causes.map((cause, hop): Hop => ({ hop, came: { lastfm: [cause, 1] } })),
        );
        let failures = 0;
        const expected: unknown[] = [];
        for (const cause of causes) {
          if (failures === policy.attemptsMax) break;
          if (cause === 'fault') failures += 1;
          expected.push(cause === 'waiting' ? 'Deferred' : [failures, failures === policy.attemptsMax]);
        }
        expect(
          decisions.map(({ type, data }) => (type === 'Failed' ? [data.attempt, data.final] : type)),
        ).toEqual(expected);
      }),
    );
  });

  it('the next hop after a failure is due no sooner than its provider opens, nor than the backoff allows', () => {
    const random = fc.double({ min: 0, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(fc.nat(100), random, fc.integer({ min: 0, max: 3 }), (opensInS, chance, before) => {
        const failures = Array.from(
          { length: before + 1 },
          (_, hop): Hop => ({
            hop,
            random: chance,
            came: { lastfm: ['fault', opensInS] },
          }),
        );
        const last = decisionsOf(...failures).at(-1);
        const retryAt = last?.type === 'Failed' ? (last.data.retryAt ?? '') : '';
        const tiersS = [1, 5, 15, 60];
        const backoffMs = (tiersS[before] ?? 0) * 1000 * (1 - 0.3 * chance);
        expect(Date.parse(retryAt) - Date.parse(at)).toBe(Math.max(opensInS * 1000, Math.round(backoffMs)));
      }),
    );
  });
});
