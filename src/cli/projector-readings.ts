import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from '../ledger/ledger.ts';
import type { Projector } from '../projections/projector.ts';
import type { ProviderTotals } from '../projections/provider-totals.ts';
import { readModelNames } from '../projections/read-model.ts';
import { lagOf } from '../projections/status.ts';
import type { ProjectorReadings } from '../telemetry/projector-metrics.ts';

/** Whoever scrapes waits no longer than this for a ledger or a database that does not answer. */
const answerMsMax = 3000;

export async function readProjector(parts: {
  readonly projector: Projector;
  readonly ledger: Ledger;
  readonly totals: ProviderTotals;
}): Promise<ProjectorReadings> {
  const { projector, ledger, totals } = parts;
  const isActive = projector.state === 'following' || projector.state === 'paused';
  const parked = Object.fromEntries(
    readModelNames.map((name) => [
      name,
      projector.parked.filter(({ readModel }) => readModel === name).length,
    ]),
  );
  const state = { isActive, isPaused: projector.state === 'paused', parked };
  if (!isActive) return { ...state, lag: null, totals: [] };
  const [lag, counted] = await Promise.all([
    within(lagOf(ledger, projector.position, Date.now()), null),
    within(totals.read(), []),
  ]);
  return { ...state, lag, totals: counted };
}

async function within<Value>(asked: Promise<Value>, otherwise: Value): Promise<Value> {
  const late = sleep(answerMsMax, otherwise, { ref: false });
  return Promise.race([asked.catch(() => otherwise), late]);
}
