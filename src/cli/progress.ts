import { MultiBar } from 'cli-progress';
import {
  type ProgressCounts,
  type ProgressState,
  progressBarLine,
  progressLogLine,
  shareOf,
} from './progress-line.ts';
import { visibleText } from './visible-text.ts';

/** Shows how far a run is: a bar on a terminal, a line now and then where the output goes elsewhere. */
export interface Progress {
  update(counts: ProgressCounts): void;
  /** Prints a line of its own, above the bar. */
  note(line: string): void;
  /** Shows the last state and gives the terminal back as it was. Calling it again does nothing. */
  finish(): void;
}

export interface ProgressOptions {
  readonly stream: NodeJS.WritableStream;
  /** Whether a bar may be drawn, see `isInteractive`. */
  readonly isTTY: boolean;
  /** Null where it is not known. */
  readonly total: number | null;
  readonly label: string;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** Whether a stream is a terminal that a bar makes sense on: not a log of a build, not one that cannot move. */
export function isInteractive(
  stream: { readonly isTTY?: boolean },
  environment: { readonly CI?: string | undefined; readonly TERM?: string | undefined },
): boolean {
  const inBuild = environment.CI !== undefined && environment.CI !== '' && environment.CI !== 'false';
  return stream.isTTY === true && !inBuild && environment.TERM !== 'dumb';
}

const drawsPerSecond = 5;
const rateWindowMs = 10_000;
const rateSampleMs = 250;
const columnsDefault = 80;
/** The time between two lines of a log begins with the first and doubles up to the second. */
const lineIntervalMsMin = 5000;
const lineIntervalMsMax = 60_000;
const lineShare = 0.1;
const lineGapMsMin = 1000;

export function createProgress(options: ProgressOptions): Progress {
  const { total, now = () => performance.now() } = options;
  const label = visibleText(options.label);
  const rateOf = createRate(now);
  let counts: ProgressCounts = { done: 0, enriched: 0, failed: 0, waiting: 0 };
  const state = (): ProgressState => ({ ...counts, total, label, rate: rateOf(counts.done) });
  const display = options.isTTY ? createBar(options.stream, state) : createLines(options.stream, state, now);
  let finished = false;
  const finish = () => {
    if (finished) return;
    finished = true;
    process.off('exit', finish);
    display.finish();
  };
  // Whatever ends the process, the terminal gets its cursor back.
  process.once('exit', finish);
  return {
    update(next) {
      counts = next;
      if (!finished) display.changed();
    },
    note: (line) =>
      finished ? options.stream.write(`${visibleText(line)}\n`) : display.note(visibleText(line)),
    finish,
  };
}

interface Display {
  changed(): void;
  note(line: string): void;
  finish(): void;
}

function createBar(stream: NodeJS.WritableStream, state: () => ProgressState): Display {
  const bars = new MultiBar({
    stream,
    fps: drawsPerSecond,
    hideCursor: true,
    // What a note wiped away has to be drawn again although it has not changed.
    forceRedraw: true,
    gracefulExit: false,
    format: (_options, { maxWidth = columnsDefault }) => progressBarLine(state(), maxWidth - 1),
  });
  bars.create(1, 0);
  return {
    changed: () => undefined,
    note: (line) => {
      bars.log(`${line}\n`);
    },
    finish() {
      // Stopping alone would drop notes that are not drawn yet.
      bars.update();
      bars.stop();
    },
  };
}

function createLines(stream: NodeJS.WritableStream, state: () => ProgressState, now: () => number): Display {
  let intervalMs = lineIntervalMsMin;
  let lastAt = now();
  let nextShare = lineShare;
  let last = '';
  const print = () => {
    const current = state();
    const line = progressLogLine(current);
    lastAt = now();
    nextShare = (shareOf(current) ?? 0) + lineShare;
    if (line !== last) stream.write(`${line}\n`);
    last = line;
  };
  const printIfDue = () => {
    const waitedMs = now() - lastAt;
    if (waitedMs >= intervalMs) {
      intervalMs = Math.min(intervalMs * 2, lineIntervalMsMax);
      print();
    } else if (waitedMs >= lineGapMsMin && (shareOf(state()) ?? 0) >= nextShare) print();
  };
  const timer = setInterval(printIfDue, lineGapMsMin);
  timer.unref();
  return {
    changed: printIfDue,
    note: (line) => {
      stream.write(`${line}\n`);
    },
    finish() {
      clearInterval(timer);
      print();
    },
  };
}

/** Tracks a second over the last seconds: what was skipped at the start does not colour it for long. */
function createRate(now: () => number): (done: number) => number | null {
  let samples: readonly { readonly at: number; readonly done: number }[] = [{ at: now(), done: 0 }];
  return (done) => {
    const at = now();
    const newest = samples.at(-1);
    if (newest === undefined || at - newest.at >= rateSampleMs) {
      samples = [...samples.filter((sample) => at - sample.at <= rateWindowMs), { at, done }];
    }
    const [oldest] = samples;
    if (oldest === undefined || at - oldest.at < 1000) return null;
    return Math.max(0, ((done - oldest.done) / (at - oldest.at)) * 1000);
  };
}
