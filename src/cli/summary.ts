import { type Provider, providers } from '../domain/provider.ts';
import { durationText } from './duration-text.ts';
import { counted, numberText } from './number-text.ts';
import { providerNames } from './provider-name.ts';
import { formatTable } from './table.ts';
import { visibleText } from './visible-text.ts';

/** What a run came to. Counts are tracks where nothing else is said. */
export interface RunSummary {
  /** Rows of the input that are tracks; the rejected ones are not among them. */
  readonly rows: number;
  /** Enriched by two providers or more. */
  readonly completed: number;
  /** Enriched by one provider so far. */
  readonly partial: number;
  readonly notFound: number;
  /** Final failures by their reason, `not_found` apart. */
  readonly failedByReason: Readonly<Record<string, number>>;
  /** Were finished before this run began. */
  readonly skippedFinished: number;
  readonly rejected: number;
  readonly rejectsFile: string | null;
  readonly followUpsWaiting: Readonly<
    Record<Provider, { readonly count: number; readonly etaSeconds: number | null }>
  >;
  /** Follow-ups, of this run or an earlier one, that this run brought to their end. */
  readonly followUpsDone: number;
  /** Tracks whose next try is not due yet. */
  readonly retriesWaiting: number;
  readonly calls: Readonly<
    Record<Provider, { readonly calls: number; readonly failed: number; readonly throttled: number }>
  >;
  readonly cacheHits: Readonly<Record<Provider, number>>;
  readonly seconds: number;
  /** True: it was stopped before the end of the input or of its tasks. */
  readonly interrupted: boolean;
  readonly dataDir: string;
  /** What to type to go on. */
  readonly command: string;
}

/** The closing summary for a person; ends with a line feed. */
export function formatSummary(summary: RunSummary): string {
  const blocks = [headline(summary), trackLines(summary), providerLines(summary), nextSteps(summary)];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

/** The closing summary for a machine: one JSON document with names that stay. */
export function summaryJson(summary: RunSummary): string {
  const perProvider = <Value>(value: (provider: Provider) => Value) =>
    Object.fromEntries(providers.map((provider) => [provider, value(provider)]));
  return JSON.stringify(
    {
      rows: summary.rows,
      enriched: summary.completed + summary.partial,
      completed: summary.completed,
      partial: summary.partial,
      not_found: summary.notFound,
      failed: failedOf(summary),
      failed_by_reason: summary.failedByReason,
      skipped_finished: summary.skippedFinished,
      rejected: summary.rejected,
      rejects_file: summary.rejectsFile,
      follow_ups_waiting: perProvider((provider) => {
        const { count, etaSeconds } = summary.followUpsWaiting[provider];
        return { count, eta_seconds: etaSeconds };
      }),
      follow_ups_done: summary.followUpsDone,
      retries_waiting: summary.retriesWaiting,
      calls: perProvider((provider) => summary.calls[provider]),
      cache_hits: perProvider((provider) => summary.cacheHits[provider]),
      seconds: Math.round(summary.seconds * 1000) / 1000,
      tracks_per_second: Math.round(rateOf(summary) * 10) / 10,
      interrupted: summary.interrupted,
      data_dir: summary.dataDir,
      command: summary.command,
    },
    null,
    2,
  );
}

function headline(summary: RunSummary): string {
  const { rows, rejected, seconds, interrupted } = summary;
  const took = durationText(seconds * 1000);
  if (interrupted) return `Stopped after ${took}; nothing is lost.`;
  if (rows === 0 && rejected === 0) return 'The input holds no rows: there was nothing to do.';
  const rate = rateOf(summary);
  const speed = rate === 0 ? '' : ` (${rate >= 10 ? numberText(rate) : rate.toFixed(1)} a second)`;
  return `${counted(rows, 'track')} in ${took}${speed}.`;
}

function trackLines(summary: RunSummary): string {
  const { completed, partial, notFound, skippedFinished, rejected, rejectsFile, rows } = summary;
  if (rows === 0 && rejected === 0) return '';
  const failed = failedOf(summary);
  const unfinished = Math.max(0, rows - workedOf(summary) - skippedFinished);
  const reasons = Object.entries(summary.failedByReason)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${visibleText(reason)} ${numberText(count)}`);
  const lines: (readonly [name: string, count: number, remark: string, always: boolean])[] = [
    ['completed', completed, 'enriched by two providers or more', true],
    ['partial', partial, 'enriched by one provider so far', true],
    ['not found', notFound, 'no provider knows them', true],
    ['failed', failed, reasons.join(', '), true],
    ['done before', skippedFinished, 'skipped; --again makes new tasks', false],
    ['unfinished', unfinished, summary.interrupted ? '' : 'the next try is not due yet', false],
    ['rejected', rejected, rejectsFile === null ? '' : `see ${visibleText(rejectsFile)}`, false],
  ];
  return formatTable(
    lines
      .filter(([, count, , always]) => always || count > 0)
      .map(([name, count, remark]) => [name, numberText(count), remark]),
    { right: [1], indent: 2 },
  );
}

function providerLines({ calls, cacheHits }: RunSummary): string {
  const rows = providers.map((provider) => {
    const { calls: made, failed, throttled } = calls[provider];
    return [providerNames[provider], ...[made, failed, throttled, cacheHits[provider]].map(numberText)];
  });
  return formatTable([['', 'calls', 'failed', 'throttled', 'from cache'], ...rows], {
    right: [1, 2, 3, 4],
    indent: 2,
  });
}

function nextSteps(summary: RunSummary): string {
  const { followUpsWaiting, followUpsDone, retriesWaiting, interrupted, rejected, command } = summary;
  const lines: string[] = [];
  if (followUpsDone > 0) lines.push(`${counted(followUpsDone, 'follow-up')} done.`);
  let waiting = retriesWaiting > 0;
  for (const provider of providers) {
    const { count, etaSeconds } = followUpsWaiting[provider];
    if (count === 0) continue;
    const eta = etaSeconds === null ? '' : `, about ${durationText(etaSeconds * 1000)} at its rate`;
    waiting = true;
    lines.push(`${counted(count, 'follow-up')} waiting for ${providerNames[provider]}${eta}.`);
  }
  if (retriesWaiting > 0 && !interrupted)
    lines.push(`${counted(retriesWaiting, 'track')} waiting for another try.`);
  if (interrupted || waiting) {
    const wait =
      interrupted || /\s--wait\b/.test(command) ? '' : ' (with --wait it stays until they are done)';
    lines.push(`The same command goes on${wait}:`, `  ${visibleText(command)}`);
  }
  if (rejected > 0)
    lines.push('Correct the rejected rows in the input, and the same command takes just those.');
  return lines.join('\n');
}

function failedOf({ failedByReason }: RunSummary): number {
  return Object.values(failedByReason).reduce((sum, count) => sum + count, 0);
}

/** Tracks that this run brought to their end. */
function workedOf(summary: RunSummary): number {
  return summary.completed + summary.partial + summary.notFound + failedOf(summary);
}

function rateOf(summary: RunSummary): number {
  return summary.seconds > 0 ? workedOf(summary) / summary.seconds : 0;
}
