/**
 * A run of the main job that kills its own process, the hard way, at a step of a delivery. Arguments: the input file,
 * the data folder, and as JSON the step with what its append has to hold and not to hold.
 */

import { openInputFile } from '../../src/cli/input/input-source.ts';
import { runFile } from '../../src/cli/run-file.ts';
import { readConfig } from '../../src/config.ts';
import type { CrashPoint } from './crash-point.ts';

const [file = '', dataDir = '', point = '{}'] = process.argv.slice(2);
const { step, holds = [], lacks = [] } = JSON.parse(point) as CrashPoint;

await runFile({
  config: readConfig(),
  dataDir,
  input: await openInputFile(file),
  concurrency: 1,
  wait: true,
  again: false,
  liftRates: true,
  command: '',
  startProgress: () => ({ update: () => undefined, note: () => undefined, finish: () => undefined }),
  signal: new AbortController().signal,
  onStep(at, events) {
    const types: readonly string[] = events.map(({ type }) => type);
    if (
      at !== step ||
      !holds.every((type) => types.includes(type)) ||
      lacks.some((type) => types.includes(type))
    )
      return;
    // An append that was just sent may reach the database or not: both are right.
    process.kill(process.pid, 'SIGKILL');
  },
});
