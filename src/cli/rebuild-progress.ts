import { terminalOf } from '../config.ts';
import type { ShadowProgress } from '../projections/shadow.ts';
import { createProgress, isInteractive, type Progress } from './progress.ts';

/** What a bar counts, in the steps that have one. */
const labels: { readonly [Step in ShadowProgress['step']]?: string } = {
  staging: 'events read',
  filling: 'events',
};

const sentences: { readonly [Step in ShadowProgress['step']]?: string } = {
  'going on': 'Going on with what an earlier rebuild left; --from-scratch begins anew.',
  indexing: 'Making the indexes.',
  'catching up': 'Catching up with the live read models.',
  comparing: 'Comparing at one position.',
};

/** Shows how far a rebuild is, on standard error. */
export function rebuildProgress(): {
  readonly onProgress: (progress: ShadowProgress) => void;
  finish(): void;
} {
  let bar: Progress | null = null;
  let step: ShadowProgress['step'] | null = null;
  const finish = () => {
    bar?.finish();
    bar = null;
  };
  return {
    onProgress(progress) {
      if (progress.step !== step) finish();
      const label = labels[progress.step];
      if (label !== undefined) {
        bar ??= createProgress({
          stream: process.stderr,
          isTTY: isInteractive(process.stderr, terminalOf()),
          total: progress.eventsMax,
          label,
        });
        bar.update({ done: progress.events, enriched: 0, failed: 0, waiting: 0 });
      } else if (progress.step !== step) {
        process.stderr.write(`${sentences[progress.step] ?? progress.step}\n`);
      }
      step = progress.step;
    },
    finish,
  };
}
