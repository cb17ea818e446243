import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { SharedAnswer } from '../../src/domain/answer.ts';
import { type BareEvent, openBareLedger } from './bare-ledger.ts';

/** A task as both peers get it: its id, and its body as text. */
export type WorkByHand = (taskId: string, body: string) => Promise<void>;

const providers = ['spotify', 'musicbrainz', 'lastfm'] as const;

/**
 * What a worker does with a task that is wholly cached, by bare clients and no more than that: three reads of the
 * cache, one append of five facts with the same content as the worker's. Nothing is checked, matched, weighed,
 * counted or logged.
 *
 * The keys are what the cache of the project holds for these tracks: lower-case words, sorted for the artist.
 */
export async function openWorkByHand(): Promise<WorkByHand> {
  const { REDIS_HOST = '', REDIS_PORT = '', LEDGER_URL = '', WAIT_MS = '0' } = process.env;
  const waitMs = Number(WAIT_MS);
  const redis = new Redis({ host: REDIS_HOST, port: Number(REDIS_PORT), enableAutoPipelining: true });
  const append = await openBareLedger(LEDGER_URL);

  return async (taskId, body) => {
    const task = JSON.parse(body) as Task;
    const words = (text: string) =>
      text
        .normalize('NFD')
        .replace(/\p{M}/gu, '')
        .toLowerCase()
        .match(/[a-z0-9]+/g) ?? [];
    const artist = words(task.artist).sort().join(' ');
    const title = words(task.title).join(' ');
    const search = JSON.stringify([artist, title]);
    const values = await Promise.all(
      providers.map((provider) => redis.get(`enrichment:answer:2:v1:${provider}:search:${search}`)),
    );
    const answers = values.map((value) => {
      if (value === null) throw new Error(`${search} is not cached.`);
      return (JSON.parse(value) as { readonly answer: SharedAnswer }).answer;
    });
    if (waitMs > 0) await sleep(waitMs);
    await append(`track-${task.track_id}`, factsOf(taskId, task, answers));
  };
}

interface Task {
  readonly track_id: string;
  readonly artist: string;
  readonly title: string;
  readonly priority: number;
  readonly queued_at: string;
  readonly duration_ms: number;
}

function factsOf(taskId: string, task: Task, answers: readonly SharedAnswer[]): readonly BareEvent[] {
  const receivedId = randomUUID();
  const metadataOf = (causationId: string | null) => ({
    occurredAt: new Date().toISOString(),
    taskId,
    hop: 0,
    correlationId: taskId,
    causationId,
    traceparent: null,
    schemaVersion: 1,
  });
  const request = {
    trackId: task.track_id,
    artist: task.artist,
    title: task.title,
    isrc: null,
    durationMs: task.duration_ms,
    spotifyId: null,
    musicbrainzId: null,
    priority: task.priority,
    source: null,
    queuedAt: task.queued_at,
    forceRefresh: false,
    extra: {},
  };
  const snapshot: Record<string, unknown> = {};
  const hits = answers.map((answer, n) => {
    const id = randomUUID();
    const candidate = answer.answer.kind === 'found' ? answer.answer.candidates[0] : undefined;
    for (const [field, value] of Object.entries(candidate?.values ?? {})) {
      snapshot[field] ??= {
        value,
        provider: answer.provider,
        eventId: id,
        revision: n + 1,
        confidence: 0.95,
      };
    }
    return { id, type: 'CacheHit', data: { ...answer, via: 'cache' }, metadata: metadataOf(receivedId) };
  });
  return [
    {
      id: receivedId,
      type: 'TaskReceived',
      data: { request, origin: { kind: 'request' }, delivery: 1 },
      metadata: metadataOf(null),
    },
    ...hits,
    {
      id: randomUUID(),
      type: 'Enriched',
      data: {
        status: 'completed',
        snapshot,
        sources: providers,
        leftOut: [],
        artist: task.artist,
        title: task.title,
        ruleVersion: 'rules-1+any-ascii-0.3.3',
      },
      metadata: metadataOf(receivedId),
    },
  ];
}
