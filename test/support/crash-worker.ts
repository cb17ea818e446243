/**
 * A worker that kills its own process, the hard way, at a step of a delivery. Argument: as JSON the step, with what
 * its append has to hold and not to hold; then the lane.
 */
import { startWorkerService } from '../../src/cli/commands/worker.ts';
import { readConfig } from '../../src/config.ts';
import type { Lane } from '../../src/domain/priority.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import type { CrashPoint } from './crash-point.ts';

const [point = '{}', lane = 'real-time'] = process.argv.slice(2);
const { step, holds = [], lacks = [] } = JSON.parse(point) as CrashPoint;

await startWorkerService({
  config: readConfig(),
  lane: lane as Lane,
  logger: createLogger('info'),
  onMetrics: () => undefined,
  onStep(at, events) {
    const types: readonly string[] = events.map(({ type }) => type);
    const isThere =
      holds.every((type) => types.includes(type)) && !lacks.some((type) => types.includes(type));
    // An append that was just sent may reach the database or not: both are right.
    if (at === step && isThere) process.kill(process.pid, 'SIGKILL');
  },
});
