import { durationText } from './duration-text.ts';
import { numberText } from './number-text.ts';
import { clip, columnsOf } from './visible-text.ts';

/** How far a run is. */
export interface ProgressCounts {
  /** Tracks that are over, well or badly. */
  readonly done: number;
  readonly enriched: number;
  readonly failed: number;
  /** Follow-ups that wait for their provider. */
  readonly waiting: number;
}

export interface ProgressState extends ProgressCounts {
  /** Null where nobody knows. */
  readonly total: number | null;
  readonly label: string;
  /** Tracks a second over the last seconds; null at the beginning. */
  readonly rate: number | null;
}

/** From this width on there is room for the label and a longer bar. */
const wideColumns = 70;
const labelColumnsMax = 24;

/**
 * The progress in one line of at most so many columns. What matters least goes first where it is narrow; the bar
 * keeps its place, so that nothing jumps while numbers grow.
 */
export function progressBarLine(state: ProgressState, columnsMax: number): string {
  const { done, total, label } = state;
  const share = shareOf(state);
  const count = total === null ? `${numberText(done)} done` : `${numberText(done)}/${numberText(total)}`;
  const isWide = columnsMax >= wideColumns;
  const barColumns = isWide ? 20 : 10;
  const full = Math.floor((share ?? 0) * barColumns);
  const bar = share === null ? [] : [`${'█'.repeat(full)}${'░'.repeat(barColumns - full)}`];
  const head = isWide ? [clip(label, labelColumnsMax), ...bar] : bar;
  const parts = [count, ...detailsOf(state)];
  const line = () => [...head, ...parts].join('  ');
  while (parts.length > 1 && columnsOf(line()) > columnsMax) parts.pop();
  return clip(line(), columnsMax);
}

/** The progress as a line of a log. */
export function progressLogLine(state: ProgressState): string {
  const { done, total, label } = state;
  const count = total === null ? `${numberText(done)} done` : `${numberText(done)} of ${numberText(total)}`;
  return `${label}: ${[count, ...detailsOf(state)].join(', ')}`;
}

/** 0 to 1; null where the total is not known. */
export function shareOf({ done, total }: ProgressState): number | null {
  if (total === null) return null;
  return total === 0 ? 1 : Math.min(1, done / total);
}

function detailsOf(state: ProgressState): string[] {
  const { done, total, failed, waiting, rate } = state;
  const share = shareOf(state);
  const details: string[] = [];
  if (share !== null) details.push(`${Math.floor(share * 100)} %`);
  if (rate !== null) details.push(`${rate >= 10 ? numberText(rate) : rate.toFixed(1)}/s`);
  if (total !== null && rate !== null && rate > 0 && done < total) {
    details.push(`${durationText(Math.ceil((total - done) / rate) * 1000)} left`);
  }
  if (failed > 0) details.push(`${numberText(failed)} not enriched`);
  if (waiting > 0) details.push(`${numberText(waiting)} follow-ups waiting`);
  return details;
}
