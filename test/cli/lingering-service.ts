import { createServer } from 'node:net';
import { runService } from '../../src/cli/service.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

/** A service that stops and leaves a socket open; with an argument it fails by itself, for that reason. */
const [reason] = process.argv.slice(2);
createServer().listen(0, '127.0.0.1');
const failed =
  reason === undefined ? new Promise<Error>(() => undefined) : Promise.resolve(new Error(reason));
await runService(
  { failed, reasons: async () => [], stop: async () => undefined },
  {
    name: 'service',
    health: { host: '127.0.0.1', port: 0 },
    metrics: createMetrics(null),
    logger: createLogger('info'),
  },
).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
