import type { TrackEvent } from '../domain/events.ts';
import { laneOfPriority } from '../domain/priority.ts';
import type { TaskRequest } from '../domain/task.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Tasks under way whose request is remembered for their labels. */
const requestsMax = 20_000;

/** Counts what was appended. What others append, and what is read, counts where it was appended. */
export interface WorkerMetrics {
  appended(stream: string, events: readonly TrackEvent[]): void;
}

/** @param queueOf the label of a lane */
export function createWorkerMetrics(
  metrics: Metrics,
  queueOf: (lane: ReturnType<typeof laneOfPriority>) => string,
): WorkerMetrics {
  const requests = new Map<string, { readonly request: TaskRequest; readonly receivedAt: string }>();

  function finished(taskId: string, status: string, at: string): void {
    const known = requests.get(taskId);
    requests.delete(taskId);
    metrics.tasks.inc({ source: metrics.sourceLabel(known?.request.source ?? null), status });
    if (known === undefined) return;
    const { request, receivedAt } = known;
    const seconds = (Date.parse(at) - Date.parse(request.queuedAt ?? receivedAt)) / 1000;
    metrics.taskSeconds.observe({ queue: queueOf(laneOfPriority(request.priority)) }, Math.max(0, seconds));
  }

  return {
    appended(_, events) {
      for (const { type, data, meta } of events) {
        const { taskId, occurredAt } = meta;
        if (type === 'TaskReceived') {
          const [oldest] = requests.keys();
          if (requests.size >= requestsMax && oldest !== undefined) requests.delete(oldest);
          if (!requests.has(taskId)) requests.set(taskId, { request: data.request, receivedAt: occurredAt });
        } else if (type === 'ApiCalled') {
          const { provider, outcome, httpStatus, durationMs } = data;
          metrics.calls.inc({ provider, status: outcome.kind });
          metrics.callSeconds.observe({ provider }, durationMs / 1000);
          if (outcome.kind === 'found' || outcome.kind === 'missing') continue;
          metrics.callErrors.inc({
            provider,
            error_type: outcome.kind,
            http_status: httpStatus === null ? 'none' : String(httpStatus),
          });
        } else if (type === 'CacheHit') {
          metrics.cacheHits.inc({ provider: data.provider });
        } else if (type === 'Enriched') {
          metrics.enriched.inc({ status: data.status });
          finished(taskId, data.status, occurredAt);
        } else if (type === 'Failed' && data.final) {
          metrics.deadLetters.inc({ error_type: data.reason });
          finished(taskId, 'failed', occurredAt);
        }
      }
    },
  };
}
