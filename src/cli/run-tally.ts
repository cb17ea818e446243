import type { TrackEvent } from '../domain/events.ts';
import { type Provider, providers } from '../domain/provider.ts';
import type { TaskState } from '../domain/state.ts';
import type { WorkerObserver } from '../workers/worker-observer.ts';

/** What a run has done so far, counted from the facts that its workers appended. */
export interface Tally extends WorkerObserver {
  /** A row's task was handed to the workers. */
  offered(taskId: string): void;
  readonly counts: RunCounts;
  /** Rows that were offered and are not finished. */
  readonly open: number;
  /** Follow-ups that stand in the ledger and are not finished. */
  readonly followUpsOpen: number;
  /** The input is offered once more: open follow-ups are counted anew, finished rows not again. */
  beginNextPass(): void;
  /** Resolves when something was settled since. */
  changed(): Promise<void>;
}

export interface RunCounts {
  completed: number;
  partial: number;
  failedByReason: Record<string, number>;
  skippedFinished: number;
  followUps: Record<Provider, number>;
  followUpsRefused: number;
  followUpsDone: number;
  retries: number;
  calls: Record<Provider, { calls: number; failed: number; throttled: number }>;
  cacheHits: Record<Provider, number>;
}

export function createTally(): Tally {
  const rows = new Set<string>();
  const counts: RunCounts = {
    completed: 0,
    partial: 0,
    failedByReason: {},
    skippedFinished: 0,
    followUps: forEach(() => 0),
    followUpsRefused: 0,
    followUpsDone: 0,
    retries: 0,
    calls: forEach(() => ({ calls: 0, failed: 0, throttled: 0 })),
    cacheHits: forEach(() => 0),
  };
  let firstPass = true;
  let listeners: (() => void)[] = [];

  function count(event: TrackEvent): void {
    switch (event.type) {
      case 'ApiCalled': {
        const { provider, outcome } = event.data;
        counts.calls[provider].calls += 1;
        if (outcome.kind === 'throttled') counts.calls[provider].throttled += 1;
        else if (outcome.kind !== 'found' && outcome.kind !== 'missing') counts.calls[provider].failed += 1;
        return;
      }
      case 'CacheHit':
        counts.cacheHits[event.data.provider] += 1;
        return;
      case 'Enriched':
        if (rows.has(event.meta.taskId)) counts[event.data.status] += 1;
        return;
      case 'Failed':
        if (!event.data.final) counts.retries += 1;
        else if (rows.has(event.meta.taskId)) {
          const { reason } = event.data;
          counts.failedByReason[reason] = (counts.failedByReason[reason] ?? 0) + 1;
        }
        return;
      default:
        return;
    }
  }

  return {
    counts,
    get open() {
      return rows.size;
    },
    get followUpsOpen() {
      return providers.reduce((sum, provider) => sum + counts.followUps[provider], 0);
    },
    beginNextPass() {
      firstPass = false;
      counts.followUps = forEach(() => 0);
      counts.followUpsRefused = 0;
    },
    offered(taskId) {
      rows.add(taskId);
    },
    taskStarted() {},
    appended(_stream, events) {
      for (const event of events) count(event);
    },
    followUpPublished(provider, published) {
      counts.followUps[provider] += 1;
      if (published === 'refused') counts.followUpsRefused += 1;
    },
    settled(taskId, task: TaskState | null, worked) {
      const over = task === null || task.end !== null;
      if (over && rows.delete(taskId) && !worked && firstPass) counts.skippedFinished += 1;
      if (over && worked && task?.origin.kind === 'follow-up') {
        counts.followUps[task.origin.provider] -= 1;
        counts.followUpsDone += 1;
      }
      for (const listener of listeners) listener();
      listeners = [];
    },
    changed: () =>
      new Promise((resolve) => {
        listeners.push(resolve);
      }),
  };
}

function forEach<Value>(make: () => Value): Record<Provider, Value> {
  return { spotify: make(), musicbrainz: make(), lastfm: make() };
}
