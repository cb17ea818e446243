import { type Logger, pino } from 'pino';

export type { Logger };

/** A logger of JSON lines on standard error: level as a word, ISO time, the message in `msg`. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
