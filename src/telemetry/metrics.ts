import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Every metric of this project, by the names and labels that dashboards and alerts know. */
export interface Metrics {
  readonly calls: Counter<'provider' | 'status'>;
  readonly callErrors: Counter<'provider' | 'error_type' | 'http_status'>;
  readonly callSeconds: Histogram<'provider'>;
  readonly cacheHits: Counter<'provider'>;
  readonly cacheMisses: Counter<'provider'>;
  readonly tasks: Counter<'source' | 'status'>;
  readonly enriched: Counter<'status'>;
  readonly taskSeconds: Histogram<'queue'>;
  readonly deadLetters: Counter<'error_type'>;
  readonly replays: Counter<'status'>;
  readonly published: Counter<'queue' | 'result'>;
  /** A label value for what publishers say, of which a bounded number is kept apart. */
  sourceLabel(source: string | null): string;
  /** Where what is told only when somebody scrapes belongs. */
  readonly registry: Registry;
  /** Done before each scrape. */
  onScrape(prepare: () => Promise<void>): void;
  /** What Prometheus scrapes. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** What is asked for when somebody scrapes. */
export interface MetricSources {
  readonly providers: readonly string[];
  /** 0: calls pass, 1: one probes, 2: calls are held back. */
  readonly circuitState: (provider: string) => number;
  /** Calls that may begin within the next second. */
  readonly rateLimitRemaining: (provider: string) => number;
  /** Messages in the dead-letter queues, by queue; rejects where that cannot be told. */
  readonly deadLetterDepths: () => Promise<ReadonlyMap<string, number>>;
}

const sourcesMax = 50;
const callBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const taskBuckets = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400];

/** @param sources what this process can tell beyond what it counts; null: nothing */
export function createMetrics(sources: MetricSources | null): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames, registers });
  const known = new Set<string>();
  const preparations: (() => Promise<void>)[] = [];

  const metrics: Metrics = {
    calls: counter('enrichment_api_calls_total', 'Calls to providers', ['provider', 'status']),
    callErrors: counter('enrichment_api_errors_total', 'Calls that brought no answer', [
      'provider',
      'error_type',
      'http_status',
    ]),
    callSeconds: new Histogram({
      name: 'enrichment_api_duration_seconds',
      help: 'How long calls took',
      labelNames: ['provider'],
      buckets: callBuckets,
      registers,
    }),
    cacheHits: counter('enrichment_cache_hits_total', 'Answers that came from the cache', ['provider']),
    cacheMisses: counter('enrichment_cache_misses_total', 'Looks into the cache that found nothing', [
      'provider',
    ]),
    tasks: counter('enrichment_tasks_total', 'Tasks that were finished', ['source', 'status']),
    enriched: counter('tracks_enriched_total', 'Enriched tracks: completed by two providers, or partial', [
      'status',
    ]),
    taskSeconds: new Histogram({
      name: 'enrichment_task_duration_seconds',
      help: 'From publication to decision',
      labelNames: ['queue'],
      buckets: taskBuckets,
      registers,
    }),
    deadLetters: counter('dlq_messages_by_error_type', 'Tasks that failed for good', ['error_type']),
    replays: counter('dlq_replay_total', 'Dead letters that were replayed', ['status']),
    published: counter('enrichment_published_total', 'Tasks that were published', ['queue', 'result']),
    sourceLabel(source) {
      if (source === null) return 'none';
      if (known.size < sourcesMax) known.add(source);
      return known.has(source) ? source : 'other';
    },
    registry,
    onScrape(prepare) {
      preparations.push(prepare);
    },
    async text() {
      await Promise.all(preparations.map((prepare) => prepare()));
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
  if (sources !== null) addGauges(registry, metrics, sources);
  return metrics;
}

function addGauges(registry: Registry, metrics: Metrics, sources: MetricSources): void {
  const registers = [registry];
  const { providers } = sources;
  const gauge = (name: string, help: string, measure: (provider: string) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['provider'],
      registers,
      collect() {
        for (const provider of providers) this.set({ provider }, measure(provider));
      },
    });
  gauge('enrichment_circuit_breaker_state', '0 closed, 1 half-open, 2 open', sources.circuitState);
  gauge(
    'enrichment_rate_limit_remaining',
    'Calls that may begin within the next second',
    sources.rateLimitRemaining,
  );
  new Gauge({
    name: 'dlq_messages_total',
    help: 'Messages in the dead-letter queues',
    labelNames: ['queue'],
    registers,
    async collect() {
      // Missing rather than old, where the broker does not answer.
      this.reset();
      const depths = await sources.deadLetterDepths().catch(() => new Map<string, number>());
      for (const [queue, depth] of depths) this.set({ queue }, depth);
    },
  });
  // The three providers cost nothing a call; the name is there for dashboards.
  gauge('enrichment_api_cost_estimate_usd', 'Estimated cost of the calls so far', () => 0);
  // So that a rate is zero, not missing, before the first call.
  for (const provider of providers) {
    metrics.calls.inc({ provider, status: 'found' }, 0);
    metrics.cacheHits.inc({ provider }, 0);
    metrics.cacheMisses.inc({ provider }, 0);
  }
  for (const status of ['completed', 'partial']) metrics.enriched.inc({ status }, 0);
}
