import type { Step } from '../../src/workers/worker-observer.ts';

/** Where a worker kills itself: at a step, with what its append has to hold and not to hold. */
export interface CrashPoint {
  readonly step: Step;
  readonly holds?: readonly string[];
  readonly lacks?: readonly string[];
}
