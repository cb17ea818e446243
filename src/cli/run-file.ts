import { openProjector, openStore } from '../app.ts';
import { startEmbeddedWorkers } from '../app-workers.ts';
import { type Config, withoutRates } from '../config.ts';
import type { Provider } from '../domain/provider.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createWorkerLog } from '../workers/worker-log.ts';
import type { WorkerObserver } from '../workers/worker-observer.ts';
import { countRowsRoughly, type InputSource } from './input/input-source.ts';
import { readRows } from './input/read-rows.ts';
import type { Progress } from './progress.ts';
import { createRejectsFile } from './rejects.ts';
import { beginRepetition } from './repetition.ts';
import { feedRows, orAborted } from './run-feed.ts';
import { summaryOf } from './run-summary.ts';
import { createTally, type Tally } from './run-tally.ts';
import { say } from './say.ts';
import type { RunSummary } from './summary.ts';

/** How often the progress line is brought up to date. */
const progressEveryMs = 200;
/** How long the end of a run waits until all its facts can be seen in the read models. */
const visibleWithinMsMax = 60_000;

export interface RunOptions {
  readonly config: Config;
  readonly dataDir: string;
  readonly input: InputSource;
  readonly concurrency: number;
  readonly wait: boolean;
  readonly again: boolean;
  readonly liftRates: boolean;
  /** How to go on with this run, as typed. */
  readonly command: string;
  readonly startProgress: (total: number | null) => Progress;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** For tests that cut the process off at a step. */
  readonly onStep?: WorkerObserver['onStep'];
}

/**
 * The main job: every row of the input becomes a task, every task is worked off, every fact on the way stands in
 * the ledger of the data folder. The same call again goes on where an earlier one ended, however it ended.
 */
export async function runFile(options: RunOptions): Promise<RunSummary> {
  const { dataDir, input, signal } = options;
  const config = options.liftRates ? withoutRates(options.config) : options.config;
  const startedMs = performance.now();
  const store = await openStore({ dataDir, ledgerUrl: config.ledgerUrl, say });
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let fatal: Error | null = null;
  const projector = openProjector(store);
  try {
    const repetition = await beginRepetition(dataDir, input.name, options.again);
    const tally = createTally();
    const total = await countRowsRoughly(input);
    const progress = options.startProgress(total);
    const log = createWorkerLog(createLogger(config.logLevel));
    const workers = startEmbeddedWorkers({
      config,
      ledger: store.ledger,
      concurrency: options.concurrency,
      assumeNew: (await store.ledger.head()) === null,
      observer: observerOf(tally, log, options.onStep),
      onRefused: (provider: Provider, message) =>
        progress.note(`${provider} refuses our credentials: ${message}`),
      onFatal(error) {
        fatal ??= error;
        stop();
      },
    });
    const rejects = createRejectsFile({ dataDir, inputName: input.name });
    const ticker = setInterval(() => progress.update(progressOf(tally)), progressEveryMs);
    let fed = { rows: 0, rejected: 0 };
    try {
      for (let pass = 0; !stopping.signal.aborted; pass++) {
        const read = await feedRows({
          rows: readRows(input),
          queue: workers.queue,
          tally,
          again: repetition.number,
          signal: stopping.signal,
          onRejected: async (row) => {
            if (pass === 0) await rejects.add(row);
          },
        });
        if (pass === 0) fed = read;
        await until(() => tally.open === 0, tally, stopping.signal);
        const workedOnRows = fed.rows > tally.counts.skippedFinished;
        if (!options.wait && workedOnRows) break;
        await until(() => tally.followUpsOpen <= tally.counts.followUpsRefused, tally, stopping.signal);
        if (tally.counts.followUpsRefused === 0) break;
        // The queue could not hold them all: the ledger names the others, so another pass finds them.
        tally.beginNextPass();
      }
    } finally {
      clearInterval(ticker);
      await workers.stop();
      await rejects.close();
      progress.update(progressOf(tally));
      progress.finish();
    }
    if (fatal !== null) throw store.fault() ?? fatal;
    const interrupted = stopping.signal.aborted;
    if (!interrupted) await repetition.finish();
    await projector.waitUntilCaughtUp(visibleWithinMsMax);
    return summaryOf({
      tally,
      // What was not read to its end is counted by its lines.
      rows: interrupted ? Math.max(fed.rows, (total ?? 0) - fed.rejected) : fed.rows,
      rejected: fed.rejected,
      rejectsFile: fed.rejected > 0 ? rejects.path : null,
      seconds: (performance.now() - startedMs) / 1000,
      interrupted,
      config,
      dataDir,
      command: options.command,
    });
  } finally {
    signal.removeEventListener('abort', stop);
    await projector.stop();
    await store.close();
  }
}

function observerOf(
  tally: Tally,
  log: ReturnType<typeof createWorkerLog>,
  onStep: WorkerObserver['onStep'],
): WorkerObserver {
  return {
    taskStarted: log.taskStarted,
    otherBody: log.otherBody,
    followUpPublished: tally.followUpPublished,
    settled: tally.settled,
    appended(stream, events) {
      tally.appended(stream, events);
      log.appended(stream, events);
    },
    ...(onStep === undefined ? {} : { onStep }),
  };
}

async function until(holds: () => boolean, tally: Tally, signal: AbortSignal): Promise<void> {
  while (!holds() && !signal.aborted) await orAborted(tally.changed(), signal);
}

function progressOf(tally: Tally) {
  const { completed, partial, failedByReason, skippedFinished } = tally.counts;
  const failed = Object.values(failedByReason).reduce((sum, count) => sum + count, 0);
  const enriched = completed + partial;
  return { done: enriched + failed + skippedFinished, enriched, failed, waiting: tally.followUpsOpen };
}
