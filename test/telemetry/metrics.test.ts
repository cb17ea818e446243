import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createWorkerMetrics } from '../../src/workers/worker-metrics.ts';
import { anyWorkersStream } from '../support/streams.ts';

const providers = ['spotify', 'musicbrainz', 'lastfm'];
const sources = {
  providers,
  circuitState: () => 2,
  rateLimitRemaining: () => 1,
  deadLetterDepths: async () => new Map([['dlq', 3]]),
};

/** The sum of a metric over the labels that match. */
function sumOf(text: string, name: string, labels = ''): number {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(labels));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

it('has every name that dashboards and alerts know, before anything happened', async () => {
  const text = await createMetrics(sources).text();
  for (const name of [
    'enrichment_api_calls_total',
    'enrichment_api_errors_total',
    'enrichment_api_duration_seconds',
    'enrichment_api_cost_estimate_usd',
    'enrichment_rate_limit_remaining',
    'enrichment_cache_hits_total',
    'enrichment_cache_misses_total',
    'enrichment_tasks_total',
    'tracks_enriched_total',
    'enrichment_circuit_breaker_state',
    'enrichment_task_duration_seconds',
    'dlq_messages_total',
    'dlq_messages_by_error_type',
    'dlq_replay_total',
  ]) {
    expect(text).toContain(`# TYPE ${name} `);
  }
  expect(text).toContain('enrichment_circuit_breaker_state{provider="spotify"} 2');
  expect(text).toContain('enrichment_rate_limit_remaining{provider="musicbrainz"} 1');
  expect(text).toContain('dlq_messages_total{queue="dlq"} 3');
  expect(text).toContain('enrichment_api_calls_total{provider="lastfm",status="found"} 0');
});

it('has the labels that dashboards group by, each with the one name it is known by', async () => {
  const metrics = createMetrics(sources);
  const [provider, queue] = ['spotify', 'q'];
  metrics.calls.inc({ provider, status: 'found' });
  metrics.callErrors.inc({ provider, error_type: 'unavailable', http_status: '503' });
  metrics.callSeconds.observe({ provider }, 0.2);
  metrics.cacheHits.inc({ provider });
  metrics.cacheMisses.inc({ provider });
  metrics.tasks.inc({ source: 'blog', status: 'completed' });
  metrics.enriched.inc({ status: 'completed' });
  metrics.taskSeconds.observe({ queue }, 3);
  metrics.deadLetters.inc({ error_type: 'unavailable' });
  metrics.replays.inc({ status: 'replayed' });
  const text = await metrics.text();
  for (const line of [
    'enrichment_api_calls_total{provider="spotify",status="found"} 1',
    'enrichment_api_errors_total{provider="spotify",error_type="unavailable",http_status="503"} 1',
    'enrichment_api_duration_seconds_count{provider="spotify"} 1',
    'enrichment_api_duration_seconds_bucket{le="0.25",provider="spotify"} 1',
    'enrichment_api_cost_estimate_usd{provider="spotify"} 0',
    'enrichment_rate_limit_remaining{provider="spotify"} 1',
    'enrichment_cache_hits_total{provider="spotify"} 1',
    'enrichment_cache_misses_total{provider="spotify"} 1',
    'enrichment_tasks_total{source="blog",status="completed"} 1',
    'tracks_enriched_total{status="completed"} 1',
    'enrichment_circuit_breaker_state{provider="spotify"} 2',
    'enrichment_task_duration_seconds_count{queue="q"} 1',
    'dlq_messages_total{queue="dlq"} 3',
    'dlq_messages_by_error_type{error_type="unavailable"} 1',
    'dlq_replay_total{status="replayed"} 1',
  ])
    expect(text.split('\n')).toContain(line);
});

it('counts exactly what was appended, however the events come', async () => {
  await fc.assert(
    fc.asyncProperty(anyWorkersStream, fc.integer({ min: 1, max: 5 }), async ({ events }, size) => {
      const metrics = createMetrics(null);
      const counted = createWorkerMetrics(metrics, (lane) => lane);
      for (let at = 0; at < events.length; at += size) {
        counted.appended(
          'track-a',
          events.slice(at, at + size).map(({ event }) => event),
        );
      }
      const text = await metrics.text();
      const count = (type: string) => events.filter(({ event }) => event.type === type).length;
      const failed = events.filter(({ event }) => event.type === 'Failed' && event.data.final).length;
      expect(sumOf(text, 'enrichment_api_calls_total')).toBe(count('ApiCalled'));
      expect(sumOf(text, 'enrichment_cache_hits_total')).toBe(count('CacheHit'));
      expect(sumOf(text, 'tracks_enriched_total')).toBe(count('Enriched'));
      expect(sumOf(text, 'enrichment_tasks_total')).toBe(count('Enriched') + failed);
      expect(sumOf(text, 'dlq_messages_by_error_type')).toBe(failed);
    }),
    { numRuns: 50 },
  );
});

it('keeps a bounded number of sources apart', () => {
  const { sourceLabel } = createMetrics(null);
  const labels = Array.from({ length: 500 }, (_, n) => sourceLabel(`source ${n}`));
  expect(new Set(labels).size).toBe(51);
  expect(labels.at(-1)).toBe('other');
  expect(sourceLabel('source 3')).toBe('source 3');
  expect(sourceLabel(null)).toBe('none');
});
