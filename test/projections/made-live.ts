import type pg from 'pg';
import { expect } from 'vitest';
import type { Ledger, RecordedEvent } from '../../src/ledger/ledger.ts';
import { encodeTrackEvent } from '../../src/ledger/track-events.ts';
import { compareSchemas } from '../../src/projections/compare.ts';
import { connect, liveSchema, proofSchema } from '../../src/projections/database.ts';
import { startProjector } from '../../src/projections/projector.ts';
import { prove, type Rebuilt, rebuild } from '../../src/projections/rebuild.ts';

export const caughtUpMsMax = 30_000;

const quiet = { signal: new AbortController().signal, onProgress: () => undefined, samplesMax: 5 };

/** Follows the ledger until everything is visible. */
export async function project(ledger: Ledger, url: string): Promise<void> {
  const projector = startProjector({ ledger, url });
  await projector.waitUntilCaughtUp(caughtUpMsMax).finally(projector.stop);
}

/** Rebuilds and swaps, whatever differs. */
export function replaceLive(ledger: Ledger, url: string): Promise<Rebuilt> {
  return rebuild({ ...quiet, ledger, url, fromScratch: true, mayReplace: () => true });
}

/** The live tables are what the ledger makes of itself. */
export async function expectTrue(ledger: Ledger, url: string): Promise<void> {
  const { changes, tables } = await prove({ ...quiet, ledger, url });
  expect(tables.flatMap(({ samples }) => samples)).toEqual([]);
  expect(changes).toBe(0);
}

/** What differs between the live tables and those of a schema that the test filled. */
export async function expectSame(client: pg.Client, schema = proofSchema): Promise<void> {
  await client.query('BEGIN');
  try {
    const { changes, tables } = await compareSchemas(client, liveSchema, schema, 3);
    expect(tables.flatMap(({ samples }) => samples)).toEqual([]);
    expect(changes).toBe(0);
  } finally {
    await client.query('ROLLBACK');
  }
}

export async function withClient<Value>(
  url: string,
  work: (client: pg.Client) => Promise<Value>,
): Promise<Value> {
  const client = await connect(url);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The streams of tracks that were asked for, called about and found, as workers write them. */
export function storyOfTracks(count: number, calls = 3): readonly RecordedEvent[] {
  const events: RecordedEvent[] = [];
  for (let n = 0; n < count; n++) {
    for (let revision = 0; revision < calls + 2; revision++) {
      const at = new Date(Date.parse('2026-01-01T00:00:00.000Z') + events.length * 1000).toISOString();
      const id = `00000000-0000-4000-8000-${String(events.length).padStart(12, '0')}`;
      const position = String(events.length + 1);
      const event = encodeTrackEvent(eventAt({ id, at, n, revision, last: calls + 1 }));
      events.push({ ...event, stream: `track-${n}`, revision, position });
    }
  }
  return events;
}

function eventAt(options: {
  readonly id: string;
  readonly at: string;
  readonly n: number;
  readonly revision: number;
  readonly last: number;
}): Parameters<typeof encodeTrackEvent>[0] {
  const { id, at, n, revision, last } = options;
  const taskId = `task-${n}`;
  const meta = {
    occurredAt: at,
    taskId,
    hop: 0,
    correlationId: taskId,
    causationId: null,
    traceparent: null,
    schemaVersion: 1,
  };
  const [artist, title] = ['Band', `Song ${n}`];
  if (revision === 0) {
    const request = { trackId: String(n), artist, title, isrc: null, durationMs: null };
    const rest = { spotifyId: null, musicbrainzId: null, priority: 5, source: null, queuedAt: null };
    const data = {
      request: { ...request, ...rest, forceRefresh: false, extra: {} },
      origin: { kind: 'request' as const },
      delivery: 1,
    };
    return { id, type: 'TaskReceived', meta, data };
  }
  if (revision < last) {
    const outcome = { kind: 'missing' as const, reason: 'no-result' as const, bodyHash: 'hash' };
    const call = { provider: 'lastfm' as const, lookup: { kind: 'search' as const, artist, title }, outcome };
    const data = { ...call, httpStatus: 200, durationMs: 40, calledAt: at, superseded: false };
    return { id, type: 'ApiCalled', meta, data };
  }
  const source = { provider: 'lastfm' as const, eventId: id, revision: 1, confidence: 1 };
  const data = {
    status: 'partial' as const,
    snapshot: { genre: { ...source, value: 'rock' }, lastfmListeners: { ...source, value: n } },
    sources: ['lastfm' as const],
    leftOut: [],
    artist,
    title,
    ruleVersion: '1',
  };
  return { id, type: 'Enriched', meta, data };
}
