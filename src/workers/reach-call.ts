import type { Lane } from '../domain/priority.ts';
import type { ProviderGates } from '../providers/gate.ts';
import { type Pass, passGate } from '../providers/pass-gate.ts';
import type { ProviderClient } from '../providers/provider-client.ts';
import type { CallPace } from './call-pace.ts';

/** Preparations that took so long have cost their caller its slot. */
const slotMissedAfterMs = 5;
/** How often a slot may be missed before the call is made all the same. */
const slotsMax = 3;

export interface ReachCallOptions {
  readonly client: ProviderClient;
  readonly gates: ProviderGates;
  readonly pace: CallPace;
  readonly lane: Lane;
  readonly patienceMs: number;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** The gate was asked for the first time. */
  readonly onAsked: () => void;
}

/**
 * Brings a task to the moment when its call starts: prepared, through the gate, and apart from the call before. What
 * has to be prepared again in between, such as a token that ran out while the task waited for its slot, is not done
 * inside the call: all who wait for the same would then be let go at the same time.
 */
export async function reachCall(options: ReachCallOptions): Promise<Pass> {
  const { client, gates, pace, lane, now, sleep } = options;
  const { provider } = client;
  const paced = async () => {
    for (let inMs = pace.start(provider); inMs > 0; inMs = pace.start(provider)) await sleep(inMs);
  };
  await client.prepare();
  const deadlineMs = now() + options.patienceMs;
  for (let slots = 1; ; slots++) {
    const patienceMs = Math.max(0, deadlineMs - now());
    const passing = passGate({ gates, provider, lane, patienceMs, now, sleep });
    if (slots === 1) options.onAsked();
    const pass = await passing;
    if (pass.kind === 'refused') return pass;
    await paced();
    const startedMs = performance.now();
    await client.prepare();
    if (performance.now() - startedMs < slotMissedAfterMs) return pass;
    if (slots === slotsMax) {
      await paced();
      return pass;
    }
  }
}
