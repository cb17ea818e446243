import type { Config } from '../config.ts';
import { providers } from '../domain/provider.ts';
import type { Tally } from './run-tally.ts';
import type { RunSummary } from './summary.ts';

/** What a run came to, from its tally. */
export function summaryOf(run: {
  readonly tally: Tally;
  readonly rows: number;
  readonly rejected: number;
  readonly rejectsFile: string | null;
  readonly seconds: number;
  readonly interrupted: boolean;
  readonly config: Config;
  readonly dataDir: string;
  readonly command: string;
}): RunSummary {
  const { tally, config, ...rest } = run;
  const { counts } = tally;
  const { not_found: notFound = 0, ...failedByReason } = counts.failedByReason;
  const followUpsWaiting = Object.fromEntries(
    providers.map((provider) => {
      const count = counts.followUps[provider];
      const rate = config.gateLimits[provider].ratePerSecond;
      return [provider, { count, etaSeconds: Number.isFinite(rate) ? Math.ceil(count / rate) : null }];
    }),
  ) as RunSummary['followUpsWaiting'];
  return {
    ...rest,
    completed: counts.completed,
    partial: counts.partial,
    notFound,
    failedByReason,
    skippedFinished: counts.skippedFinished,
    followUpsDone: counts.followUpsDone,
    followUpsWaiting,
    retriesWaiting: tally.open,
    calls: counts.calls,
    cacheHits: counts.cacheHits,
  };
}
