import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createProgress, isInteractive } from '../../src/cli/progress.ts';
import { progressBarLine } from '../../src/cli/progress-line.ts';
import { columnsOf } from '../../src/cli/visible-text.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const counts = (done: number, failed = 0, waiting = 0) => ({
  done,
  enriched: done - failed,
  failed,
  waiting,
});

function terminal() {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  const chunks: string[] = [];
  stream.on('data', (chunk) => chunks.push(String(chunk)));
  return { stream, written: () => chunks.join('') };
}

describe('where the output is no terminal', () => {
  test('a run of hours writes a bounded number of plain lines', () => {
    const { stream, written } = terminal();
    const progress = createProgress({
      stream,
      isTTY: false,
      total: 100_000,
      label: 'tracks.csv',
      now: Date.now,
    });
    for (let second = 0; second < 10_000; second++) {
      vi.advanceTimersByTime(1000);
      progress.update(counts(second * 10));
    }
    progress.finish();
    const lines = written().trimEnd().split('\n');
    expect(lines.length).toBeLessThan(200);
    expect(lines.length).toBeGreaterThan(10);
    expect(written()).not.toContain('\u001b');
    expect(lines[1]).toMatch(/^tracks\.csv: \d+ of 100,000, 0 %, 10\/s, 2 h \d+ min left$/);
  });

  test('a short run writes its steps and its end', () => {
    const { stream, written } = terminal();
    const progress = createProgress({ stream, isTTY: false, total: 100, label: 'x', now: Date.now });
    for (let done = 0; done <= 100; done++) {
      vi.advanceTimersByTime(200);
      progress.update(counts(done, 1, 2));
    }
    progress.finish();
    const lines = written().trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.length).toBeLessThan(15);
    expect(lines.at(-1)).toMatch(/^x: 100 of 100, 100 %, 5\.\d\/s, 1 not enriched, 2 follow-ups waiting$/);
  });

  test('a run that stands still says so now and then', () => {
    const { stream, written } = terminal();
    const progress = createProgress({ stream, isTTY: false, total: null, label: 'x', now: Date.now });
    progress.update(counts(3));
    vi.advanceTimersByTime(6000);
    progress.note('Spotify is closed.');
    progress.finish();
    expect(written()).toMatch(/^x: 3 done.*\nSpotify is closed\.\n/);
  });
});

describe('on a terminal', () => {
  test('the bar is drawn at most a few times a second, and the cursor comes back', () => {
    const { stream, written } = terminal();
    const progress = createProgress({ stream, isTTY: true, total: 1000, label: 'tracks.csv', now: Date.now });
    for (let done = 0; done <= 1000; done++) {
      progress.update(counts(done));
      vi.advanceTimersByTime(2);
    }
    expect(written()).toContain('\u001b[?25l');
    expect(written().split('█').length).toBeLessThan(30 * 12 * 2);
    progress.finish();
    progress.finish();
    expect(written()).toContain('1,000/1,000');
    expect(written().lastIndexOf('\u001b[?25h')).toBeGreaterThan(written().lastIndexOf('\u001b[?25l'));
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a note stands above the bar, even one just before the end', () => {
    const { stream, written } = terminal();
    const progress = createProgress({ stream, isTTY: true, total: 10, label: 'x', now: Date.now });
    progress.note('first \u001b[2J');
    vi.advanceTimersByTime(1000);
    progress.note('second');
    progress.finish();
    progress.note('third');
    for (const note of ['first \\u{1b}[2J\n', 'second\n', 'third\n']) expect(written()).toContain(note);
  });
});

test('a bar fits into any terminal, whatever its numbers', () => {
  const state = fc.record({
    done: fc.nat(),
    enriched: fc.nat(),
    failed: fc.nat(),
    waiting: fc.nat(),
    total: fc.option(fc.nat()),
    label: fc.stringMatching(/^[a-z.]{0,60}$/),
    rate: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
  });
  fc.assert(
    fc.property(state, fc.integer({ min: 10, max: 200 }), (current, columns) => {
      expect(columnsOf(progressBarLine(current, columns))).toBeLessThanOrEqual(columns);
    }),
  );
});

test('a bar is for terminals alone: not for builds, not for those that cannot move the cursor', () => {
  expect(isInteractive({ isTTY: true }, {})).toBe(true);
  expect(isInteractive({}, {})).toBe(false);
  expect(isInteractive({ isTTY: true }, { CI: 'true' })).toBe(false);
  expect(isInteractive({ isTTY: true }, { CI: 'false', TERM: 'dumb' })).toBe(false);
});
