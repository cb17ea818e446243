/** What the process says with its exit code. */
export const exitCodes = {
  done: 0,
  failed: 1,
  wrongUsage: 2,
  /** Everything readable was worked off; some rows were not readable and stand in the rejects file. */
  doneWithRejects: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
