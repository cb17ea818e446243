import { expect, test } from 'vitest';
import { formatSummary, type RunSummary, summaryJson } from '../../src/cli/summary.ts';

const each = <Value>(spotify: Value, musicbrainz: Value, lastfm: Value) => ({ spotify, musicbrainz, lastfm });

const summary: RunSummary = {
  rows: 10_145,
  completed: 9000,
  partial: 1000,
  notFound: 100,
  failedByReason: { unavailable: 3, crashes: 1 },
  skippedFinished: 41,
  rejected: 2,
  rejectsFile: 'data/tracks.csv.rejects.jsonl',
  followUpsWaiting: each(
    { count: 0, etaSeconds: 0 },
    { count: 9000, etaSeconds: 9000 },
    { count: 1, etaSeconds: null },
  ),
  followUpsDone: 12,
  retriesWaiting: 0,
  calls: each(
    { calls: 10_000, failed: 2, throttled: 0 },
    { calls: 1145, failed: 0, throttled: 7 },
    { calls: 10_100, failed: 0, throttled: 0 },
  ),
  cacheHits: each(145, 0, 45),
  seconds: 16.84,
  interrupted: false,
  dataDir: 'data',
  command: 'enrichment-ledger run tracks.csv',
};

test('a person reads what was done, what waits and how to go on', () => {
  expect(formatSummary(summary)).toBe(`10,145 tracks in 17 s (600 a second).

  completed    9,000  enriched by two providers or more
  partial      1,000  enriched by one provider so far
  not found      100  no provider knows them
  failed           4  unavailable 3, crashes 1
  done before     41  skipped; --again makes new tasks
  rejected         2  see data/tracks.csv.rejects.jsonl

                calls  failed  throttled  from cache
  Spotify      10,000       2          0         145
  MusicBrainz   1,145       0          7           0
  Last.fm      10,100       0          0          45

12 follow-ups done.
9,000 follow-ups waiting for MusicBrainz, about 2 h 30 min at its rate.
1 follow-up waiting for Last.fm.
The same command goes on (with --wait it stays until they are done):
  enrichment-ledger run tracks.csv
Correct the rejected rows in the input, and the same command takes just those.
`);
});

test('an interrupted run says that nothing is lost, what is unfinished and how to go on', () => {
  const text = formatSummary({ ...summary, interrupted: true, completed: 8000, retriesWaiting: 5 });
  expect(text).toMatch(/^Stopped after 17 s; nothing is lost\./);
  expect(text).toMatch(/unfinished +1,000/);
  expect(text).not.toContain('waiting for another try');
  expect(text).toContain('The same command goes on:\n  enrichment-ledger run tracks.csv');
});

test('an input without rows is said to be one', () => {
  const none = each(
    { count: 0, etaSeconds: null },
    { count: 0, etaSeconds: null },
    { count: 0, etaSeconds: null },
  );
  const zero = { calls: 0, failed: 0, throttled: 0 };
  const text = formatSummary({
    ...summary,
    ...{
      rows: 0,
      completed: 0,
      partial: 0,
      notFound: 0,
      failedByReason: {},
      skippedFinished: 0,
      rejected: 0,
    },
    followUpsWaiting: none,
    followUpsDone: 0,
    calls: each(zero, zero, zero),
    cacheHits: each(0, 0, 0),
  });
  expect(text).toMatch(/^The input holds no rows/);
});

test('a machine reads one JSON document with names that stay', () => {
  expect(JSON.parse(summaryJson(summary))).toEqual({
    rows: 10_145,
    enriched: 10_000,
    completed: 9000,
    partial: 1000,
    not_found: 100,
    failed: 4,
    failed_by_reason: { unavailable: 3, crashes: 1 },
    skipped_finished: 41,
    rejected: 2,
    rejects_file: 'data/tracks.csv.rejects.jsonl',
    follow_ups_waiting: {
      spotify: { count: 0, eta_seconds: 0 },
      musicbrainz: { count: 9000, eta_seconds: 9000 },
      lastfm: { count: 1, eta_seconds: null },
    },
    follow_ups_done: 12,
    retries_waiting: 0,
    calls: summary.calls,
    cache_hits: summary.cacheHits,
    seconds: 16.84,
    tracks_per_second: 600,
    interrupted: false,
    data_dir: 'data',
    command: 'enrichment-ledger run tracks.csv',
  });
});
