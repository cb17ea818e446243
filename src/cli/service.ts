import { startHealthServer } from '../http/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { exitCodes } from './exit-code.ts';

/** What runs until it is stopped. */
export interface Service {
  /** Why it cannot work at the moment, one sentence a reason. */
  reasons(): Promise<readonly string[]>;
  /** Resolves when it cannot go on. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

/** Compose gives thirty seconds between SIGTERM and SIGKILL. */
export const stopMsMax = 25_000;
/** Until the process ends although something is still open. */
const lingerMsMax = 1000;

/**
 * Runs a service with its health endpoints until SIGTERM or SIGINT; a second signal is immediate.
 *
 * @throws what ended the service by itself
 */
export async function runService(
  service: Service,
  options: {
    readonly name: string;
    readonly health: { readonly host: string; readonly port: number };
    readonly metrics: Metrics;
    readonly logger: Logger;
  },
): Promise<void> {
  const { name, logger } = options;
  const health = await startHealthServer({
    ...options.health,
    metrics: options.metrics,
    reasons: () => service.reasons(),
  }).catch(async (error: unknown) => {
    await service.stop();
    throw error;
  });
  let signalled: (signal: NodeJS.Signals) => void = () => undefined;
  const signal = new Promise<NodeJS.Signals>((resolve) => {
    signalled = resolve;
  });
  let signals = 0;
  const onSignal = (which: NodeJS.Signals) => {
    if (++signals > 1) process.exit(exitCodes.failed);
    signalled(which);
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  logger.info({ port: health.port }, `${name} is running`);
  const ended = await Promise.race([signal, service.failed]);
  logger.info(`${name} is stopping: what is in hand is finished or handed back`);
  const late = setTimeout(() => {
    logger.warn(`${name} did not stop within ${stopMsMax / 1000} s: what is in hand is delivered again`);
    process.exit(exitCodes.failed);
  }, stopMsMax);
  await service.stop();
  await health.close();
  clearTimeout(late);
  process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  // A client library may leave something open: nobody waits for it.
  setTimeout(() => process.exit(), lingerMsMax).unref();
  if (typeof ended !== 'string') throw ended;
  logger.info(`${name} has stopped`);
}
