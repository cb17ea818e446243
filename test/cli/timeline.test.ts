import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatHistory, formatTrack, type TrackView } from '../../src/cli/timeline.ts';
import type { Candidate, Outcome } from '../../src/domain/answer.ts';
import type { RecordedTrackEvent, TrackEvent, TrackEventType } from '../../src/domain/events.ts';
import type { TaskRequest } from '../../src/domain/task.ts';

const request: TaskRequest = {
  trackId: 't-1',
  artist: 'Rush',
  title: 'YYZ',
  isrc: 'USMR18100055',
  durationMs: 265_000,
  spotifyId: null,
  musicbrainzId: null,
  priority: 5,
  source: 'tests',
  queuedAt: null,
  forceRefresh: false,
  extra: {},
};

const candidate: Candidate = {
  id: 'x',
  title: 'YYZ',
  artists: ['Rush'],
  durationMs: 265_000,
  isrcs: ['USMR18100055'],
  values: {},
};

type DataOf<Type extends TrackEventType> = Extract<TrackEvent, { type: Type }>['data'];

interface Told {
  readonly type: TrackEventType;
  readonly data: DataOf<TrackEventType>;
  readonly atMs: number;
  readonly taskId?: string;
  readonly hop?: number;
}

const begin = Date.parse('2026-01-31T12:00:00.000Z');
const told = <Type extends TrackEventType>(
  type: Type,
  atMs: number,
  data: DataOf<Type>,
  meta: { readonly taskId?: string; readonly hop?: number } = {},
): Told => ({ type, data, atMs, ...meta });

function story(...events: readonly Told[]): readonly RecordedTrackEvent[] {
  return events.map(({ type, data, atMs, taskId = 'task-a', hop = 0 }, revision) => {
    const meta = {
      occurredAt: new Date(begin + atMs).toISOString(),
      taskId,
      hop,
      correlationId: 'c',
      causationId: null,
      traceparent: null,
      schemaVersion: 1,
    };
    return { event: { id: `event-${revision}`, type, data, meta } as TrackEvent, revision };
  });
}

const received = told('TaskReceived', 0, { request, origin: { kind: 'request' }, delivery: 1 });
const called = (atMs: number, outcome: Outcome, httpStatus: number | null = 200) =>
  told('ApiCalled', atMs, {
    provider: 'spotify',
    lookup: { kind: 'isrc', isrc: 'USMR18100055' },
    outcome,
    httpStatus,
    durationMs: 21,
    calledAt: new Date(begin + atMs).toISOString(),
    superseded: false,
  });

test('a story is told in plain words, a line for each event', () => {
  const until = new Date(begin + 5000).toISOString();
  const text = formatHistory(
    story(
      received,
      called(40, { kind: 'found', candidates: [candidate], bodyHash: 'h' }),
      told('CacheHit', 60, {
        provider: 'lastfm',
        lookup: { kind: 'search', artist: 'Rush', title: 'YYZ' },
        answer: { kind: 'missing', reason: 'no-result', bodyHash: 'h' },
        calledAt: new Date(begin - 7_200_000).toISOString(),
        eventId: 'e',
        via: 'cache',
      }),
      told('Enriched', 80, {
        status: 'partial',
        snapshot: {
          isrc: { value: 'USMR18100055', provider: 'spotify', eventId: 'e', revision: 1, confidence: 1 },
        },
        sources: ['spotify'],
        leftOut: [{ provider: 'musicbrainz', cause: 'waiting', until }],
        artist: 'Rush',
        title: 'YYZ',
        ruleVersion: 'r',
      }),
      told(
        'TaskReceived',
        5100,
        {
          request,
          origin: { kind: 'follow-up', ofTaskId: 'task-a', provider: 'musicbrainz' },
          delivery: 1,
        },
        { taskId: 'task-b' },
      ),
    ),
  );
  expect(text).toBe(`5 events of 2 tasks; times are UTC
2026-01-31 12:00:00.000          #1  received: Rush – YYZ, ISRC USMR18100055 (priority 5, from tests)
2026-01-31 12:00:00.040  +40 ms  #1  Spotify called by ISRC USMR18100055: found 1 candidate, matched "YYZ" by Rush, confidence 1 (HTTP 200, 21 ms)
2026-01-31 12:00:00.060  +20 ms  #1  Last.fm by artist and title from the cache, 2 h old: not known
2026-01-31 12:00:00.080  +20 ms  #1  enriched, partial, from Spotify: isrc USMR18100055; left out MusicBrainz (had no free slot, again from 2026-01-31 12:00:05.000)
2026-01-31 12:00:05.100    +5 s  #2  received as follow-up of #1 for MusicBrainz: Rush – YYZ, ISRC USMR18100055 (priority 5, from tests)
`);
});

test('every kind of outcome and event has words of its own', () => {
  const outcomes: readonly Outcome[] = [
    { kind: 'found', candidates: [{ ...candidate, title: 'Other', isrcs: [] }], bodyHash: 'h' },
    { kind: 'missing', reason: 'shadow-entry', bodyHash: 'h' },
    { kind: 'misused', message: 'bad query' },
    { kind: 'unauthorised', message: 'no token' },
    { kind: 'throttled', scope: 'rate', retryAfterMs: 5000, message: 'slow down' },
    { kind: 'unavailable', reason: 'timeout', retryAfterMs: 2000, message: 'no answer' },
  ];
  const leftOut = [{ provider: 'spotify', cause: 'fault', until: '2026-01-31T12:00:10.000Z' }] as const;
  const retryAt = '2026-01-31T12:00:11.000Z';
  const failed = {
    reason: 'unavailable',
    attempt: 2,
    leftOut,
    message: 'No answer.',
    rawBody: null,
  } as const;
  const text = formatHistory(
    story(
      received,
      ...outcomes.map((outcome, at) => called(at + 1, outcome, null)),
      told('TaskReceived', 20, { request, origin: { kind: 'request' }, delivery: 2 }),
      told('Deferred', 30, { until: retryAt, leftOut }),
      told('Failed', 40, { ...failed, final: false, retryAt }, { hop: 1 }),
      told('Failed', 50, { ...failed, final: true, retryAt: null }, { hop: 2 }),
      told('Replayed', 60, { newTaskId: 'n', n: 1, by: 'ana', why: 'fixed' }),
      told('Dismissed', 70, { by: 'ana', why: 'a jingle' }),
      told('Erased', 80, { taskIds: [], eventCount: 12, by: 'ana', why: 'asked to' }),
    ),
  );
  for (const words of [
    'found 1 candidate, none is the track (no HTTP answer, 21 ms)',
    'only a shadow entry, so not known',
    'refused as a wrong query: bad query',
    'refused our credentials: no token',
    'throttled, stay away for 5 s',
    'unavailable, timeout: no answer, again in 2 s',
    'received again: delivery 2',
    'deferred for 11 s, until 2026-01-31 12:00:11.000: waiting for Spotify',
    'attempt 2 failed, unavailable: No answer. Again at 2026-01-31 12:00:11.000 (hop 1)',
    'failed for good, unavailable: No answer. (hop 2)',
    'replayed by ana (replay 1, task n): fixed',
    'dismissed by ana: a jingle',
    'erased by ana, 12 events: asked to',
  ]) {
    expect(text).toContain(words);
  }
});

const hostile = fc.string({
  unit: fc.constantFrom('a', ' ', '\u001b[2J', '\n', '\r', '\u202e', '語', '\ud800', '\0'),
});

test('what strangers wrote never reaches the terminal raw, nor breaks a line', () => {
  fc.assert(
    fc.property(hostile, hostile, (first, second) => {
      const text = formatHistory(
        story(
          told('TaskReceived', 0, {
            request: { ...request, artist: first, title: second, source: first, isrc: null },
            origin: { kind: 'request' },
            delivery: 1,
          }),
          called(1, {
            kind: 'found',
            candidates: [{ ...candidate, title: second, artists: [first], isrcs: [] }],
            bodyHash: 'h',
          }),
          called(2, { kind: 'misused', message: first }),
          told('Dismissed', 3, { by: first, why: second }),
        ),
      );
      expect(text.split('\n')).toHaveLength(6);
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\u202e]/u);
    }),
  );
});

const view: TrackView = {
  trackId: 't-1',
  artist: 'Rush',
  title: 'YYZ',
  status: 'completed',
  sources: ['spotify', 'musicbrainz'],
  enrichedAt: '2026-01-31T12:00:00.080Z',
  values: [
    {
      column: 'isrc',
      value: 'USMR18100055',
      provider: 'spotify',
      confidence: 1,
      eventId: 'e-1',
      revision: 1,
    },
    {
      column: 'duration_ms',
      value: 265_000,
      provider: 'musicbrainz',
      confidence: 0.95,
      eventId: 'e-2',
      revision: 12,
    },
  ],
};

test('a track is shown with each value and where it comes from', () => {
  expect(formatTrack(view)).toBe(`Rush – YYZ
  track     t-1
  status    completed from Spotify, MusicBrainz
  enriched  2026-01-31 12:00:00.080 UTC

  column       value         provider     confidence  revision  event
  isrc         USMR18100055  Spotify            1.00         1  e-1
  duration_ms  265000        MusicBrainz        0.95        12  e-2
`);
});

test('a track without values is shown as one', () => {
  const text = formatTrack({
    ...view,
    status: 'failed',
    sources: [],
    enrichedAt: null,
    values: [],
    artist: null,
  });
  expect(text).toBe(`unknown – YYZ
  track   t-1
  status  failed

No values are known.
`);
});
