import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { noFaults } from '../../src/providers/simulator/faults.ts';
import type { Simulator, SimulatorOptions } from '../../src/providers/simulator/simulator.ts';
import { perProvider } from './world.ts';

export interface SimulatorProcess {
  readonly environment: Readonly<Record<string, string>>;
  seen(): Promise<{
    readonly report: ReturnType<Simulator['report']>;
    readonly calls: ReturnType<Simulator['calls']>;
  }>;
  close(): Promise<void>;
}

/** Starts a simulator that enforces the rate at every provider. */
export async function startSimulatorProcess(
  ratePerSecond: number,
  change: Partial<SimulatorOptions> = {},
): Promise<SimulatorProcess> {
  const child = fork(join(import.meta.dirname, 'simulator-child.ts'), [], {
    execArgv: ['--import', 'tsx'],
    // Infinity does not survive JSON.
    serialization: 'advanced',
  });
  const answer = async <Content>(question: object): Promise<Content> => {
    const said = once(child, 'message');
    child.send(question);
    return (await said)[0] as Content;
  };
  const { environment } = await answer<{ environment: Record<string, string> }>({
    seed: 1,
    unknownShare: 0,
    decoyShare: 0,
    latencyMs: 5,
    faults: noFaults,
    ratesPerSecond: perProvider(() => ratePerSecond),
    ...change,
  });
  return {
    environment,
    seen: () => answer({}),
    async close() {
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}
