import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import { openLedgerAt } from '../../app.ts';
import { startRabbitmqWorkers } from '../../app-workers.ts';
import { type Config, readConfig, required } from '../../config.ts';
import { type Lane, laneOfPriority } from '../../domain/priority.ts';
import type { Provider } from '../../domain/provider.ts';
import { rateLimitRemaining } from '../../providers/rate-limit-remaining.ts';
import { checkTopology, neededByWorkers } from '../../queue/rabbitmq-init.ts';
import { createManagement } from '../../queue/rabbitmq-management.ts';
import { probeBroker } from '../../queue/rabbitmq-probe.ts';
import { laneQueuesOf } from '../../queue/topology.ts';
import { createLogger, type Logger } from '../../telemetry/logger.ts';
import { createMetrics, type Metrics } from '../../telemetry/metrics.ts';
import { createWorkerLog } from '../../workers/worker-log.ts';
import { createWorkerMetrics } from '../../workers/worker-metrics.ts';
import type { WorkerObserver } from '../../workers/worker-observer.ts';
import { tool } from '../command-line.ts';
import { runService, type Service } from '../service.ts';
import { UserError } from '../user-error.ts';
import { depthsOf, workerReasons } from '../worker-reasons.ts';

const circuitNumbers = { closed: 0, 'half-open': 1, open: 2 } as const;

export function workerCommand(): Command {
  return new Command('worker')
    .description('take tasks from RabbitMQ until it is stopped')
    .addOption(
      new Option('--queue <lane>', 'which queue: priorities 4 to 10, or 0 to 3')
        .choices(['real-time', 'backlog'])
        .default('real-time'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ ${tool} worker
  $ ENRICHMENT_PREFETCH_COUNT=10 ${tool} worker --queue backlog

It needs LEDGER_URL, RABBITMQ_USER and RABBITMQ_PASS, and the queues that "queue init" makes. /healthz, /readyz and
/metrics are at HEALTH_HOST:HEALTH_PORT; the log tells the port where none is set. SIGTERM finishes what is in hand.`,
    )
    .action(({ queue }: { readonly queue: Lane }) => runWorker(queue));
}

/** Runs a worker until it is stopped; benchmarks give it a ledger of their own. */
export async function runWorker(
  lane: Lane,
  more: { readonly openLedger?: typeof openLedgerAt } = {},
): Promise<void> {
  const config = readConfig();
  const logger = createLogger(config.serviceLogLevel);
  let metrics: Metrics | null = null;
  const onMetrics = (made: Metrics) => {
    metrics = made;
  };
  const service = await startWorkerService({ config, lane, logger, onMetrics, ...more });
  if (metrics === null) throw new Error('A worker has metrics.');
  await runService(service, { name: `enrichment worker (${lane})`, health: config.health, metrics, logger });
}

/** A worker as `cli worker` runs it. */
export async function startWorkerService(options: {
  readonly config: Config;
  readonly lane: Lane;
  readonly logger: Logger;
  readonly onMetrics: (metrics: Metrics) => void;
  readonly openLedger?: typeof openLedgerAt;
  /** For tests that cut a worker off at a step. */
  readonly onStep?: WorkerObserver['onStep'];
}): Promise<Service> {
  const { config, lane, logger, openLedger = openLedgerAt } = options;
  const { managementUrl, ...address } = required(config.rabbitmq, 'RABBITMQ_USER and RABBITMQ_PASS');
  const ledgerUrl = required(config.ledgerUrl, 'LEDGER_URL, such as esdb://HOST:2113?tls=false');
  const laneQueues = laneQueuesOf(address);
  const { server, version, missing } = await checkTopology(address, neededByWorkers(laneQueues));
  if (missing.length > 0) {
    throw new UserError(
      `${server} lacks ${missing.map((one) => `"${one}"`).join(', ')}: run "${tool} queue init" first.`,
    );
  }
  const ledger = await openLedger(ledgerUrl);
  logger.info(`${server}, ${await ledger.server()}`);
  // Not waited for: without the management API a worker works as well.
  const management = createManagement({ url: managementUrl, ...address });
  void probeBroker({ management, type: config.queueType, version, lanes: laneQueues }).then((notes) => {
    for (const note of notes) logger.warn(note);
  });
  let ledgerState: string | null = null;
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<Error>((resolve) => {
    fail = resolve;
  });
  const log = createWorkerLog(logger);
  // The gates exist with the workers, the counters before them.
  const metrics: Metrics = createMetrics({
    providers: ['spotify', 'musicbrainz', 'lastfm'],
    circuitState: (provider) => circuitNumbers[workers.gates.circuit(provider as Provider)],
    rateLimitRemaining: (provider) =>
      rateLimitRemaining(
        workers.gates,
        provider as Provider,
        config.gateLimits[provider as Provider].ratePerSecond,
      ),
    deadLetterDepths: () => depthsOf(workers.queue),
  });
  options.onMetrics(metrics);
  const counted = createWorkerMetrics(metrics, (of) => laneQueues[of]);
  const workers = startRabbitmqWorkers({
    config,
    ledger,
    address,
    lane,
    name: `enrichment-worker ${hostname()} ${process.pid}`,
    concurrency: config.prefetch,
    metrics,
    observer: {
      taskStarted: log.taskStarted,
      otherBody: log.otherBody,
      appended(stream, events) {
        counted.appended(stream, events);
        log.appended(stream, events);
      },
      followUpPublished(provider, published) {
        metrics.published.inc({ queue: laneQueues[laneOfPriority(0)], result: published });
        if (published === 'refused')
          logger.warn(`The backlog queue is full: a follow-up for ${provider} is left to "queue reconcile".`);
      },
      settled: () => undefined,
      ...(options.onStep === undefined ? {} : { onStep: options.onStep }),
    },
    onRefused: (provider, message) =>
      logger.error({ provider }, `${provider} refuses our credentials: ${message}`),
    onFatal: fail,
    onQueueState: (queue, why) =>
      why === null ? logger.info({ queue }, `Consuming ${queue}`) : logger.warn({ queue }, why),
    onLedgerState(why) {
      ledgerState = why;
      if (why === null) logger.info('The ledger is back: tasks go on');
      else logger.error(`Tasks are held: ${why}`);
    },
    onGateState: (why) =>
      why === null
        ? logger.info('The gates are back: providers are called again')
        : logger.error(`No provider may be called: ${why}`),
    onCacheState: (why) =>
      why === null
        ? logger.info('The cache is back')
        : logger.warn(`Without the cache every answer is a call: ${why}`),
  });
  if (workers.providers.length === 0) {
    await workers.stop();
    await ledger.close();
    throw new UserError(
      'No provider is configured: set SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET, MUSICBRAINZ_USER_AGENT or LASTFM_API_KEY.',
    );
  }
  return {
    failed,
    reasons: () =>
      workerReasons({
        queue: workers.queue,
        ledger,
        held: ledgerState,
        gateFault: workers.gateFault,
      }),
    async stop() {
      await workers.stop();
      await ledger.close();
    },
  };
}
