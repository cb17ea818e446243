import { type Logger, pino } from 'pino';

export type { Logger };

/** Lines that are held until they are written, whatever else there is to do. */
const heldMax = 100;

/**
 * A logger of JSON lines on standard error: level as a word, ISO time, the message in `msg`. The lines of one turn of
 * the event loop are one write; at the end of the process nothing is left.
 */
export function createLogger(level: string): Logger {
  const destination = pino.destination({ dest: 2, sync: true });
  let held: string[] = [];
  const write = () => {
    if (held.length === 0) return;
    const lines = held.join('');
    held = [];
    destination.write(lines);
  };
  process.once('exit', write);
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(line: string) {
        if (held.length === 0) setImmediate(write);
        held.push(line);
        if (held.length === heldMax) write();
      },
    },
  );
}
