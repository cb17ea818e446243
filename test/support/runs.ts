/** How often the properties that need a database are tried: so many times as often as in an ordinary run. */
const times = Math.max(1, Number(process.env.TEST_RUNS_TIMES ?? '1'));

/** For `fc.assert`: so many runs, and no more once so many milliseconds have passed. */
export function runs(numRuns: number, msMax: number) {
  return { numRuns: numRuns * times, interruptAfterTimeLimit: msMax * times };
}

/** The time-out of a test that tries so long. */
export function within(ms: number): number {
  return ms * times;
}
