import { Gauge } from 'prom-client';
import type { Metrics } from './metrics.ts';

/** What a projector tells when somebody scrapes. */
export interface ProjectorReadings {
  /** Null where nothing can be read at the moment: then the gauges keep what they said last. */
  readonly lag: {
    /** Null where the ledger cannot count them. */
    readonly events: number | null;
    readonly bytes: number;
    readonly seconds: number;
  } | null;
  /** Whether this one is the active one: 1, else 0. */
  readonly isActive: boolean;
  readonly isPaused: boolean;
  /** Parked streams by read model. */
  readonly parked: Readonly<Record<string, number>>;
  /** Over everything that the ledger tells, by provider. */
  readonly totals: readonly {
    readonly provider: string;
    readonly calls: number;
    readonly costUsd: number;
  }[];
}

/** Adds the gauges of a projector. They are told by the active one alone, so that sums over processes count nothing twice. */
export function addProjectorGauges(metrics: Metrics, read: () => Promise<ProjectorReadings>): void {
  const registers = [metrics.registry];
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const events = gauge(
    'enrichment_projection_lag_events',
    'Events in the ledger that are not in the read models',
  );
  const bytes = gauge('enrichment_projection_lag_bytes', 'The same in bytes');
  const seconds = gauge('enrichment_projection_lag_seconds', 'How long the oldest of them waits');
  const active = gauge(
    'enrichment_projection_active',
    '1: this projector follows the ledger; 0: it stands by',
  );
  const paused = gauge('enrichment_projection_paused', '1: an operator has paused the read models');
  const parked = gauge('enrichment_projection_parked', 'Streams that a read model cannot follow', [
    'read_model',
  ]);
  const calls = gauge('enrichment_projected_api_calls', 'Calls over all that the ledger tells', ['provider']);
  const cost = gauge('enrichment_projected_api_cost_usd', 'What they cost', ['provider']);
  metrics.onScrape(async () => {
    const readings = await read();
    active.set(readings.isActive ? 1 : 0);
    paused.set(readings.isPaused ? 1 : 0);
    if (!readings.isActive) return;
    for (const [readModel, count] of Object.entries(readings.parked))
      parked.set({ read_model: readModel }, count);
    for (const { provider, calls: count, costUsd } of readings.totals) {
      calls.set({ provider }, count);
      cost.set({ provider }, costUsd);
    }
    if (readings.lag === null) return;
    if (readings.lag.events !== null) events.set(readings.lag.events);
    bytes.set(readings.lag.bytes);
    seconds.set(readings.lag.seconds);
  });
}
