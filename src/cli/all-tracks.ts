import { terminalOf } from '../config.ts';
import type { Rules } from '../domain/rules.ts';
import { allTrackIds } from '../projections/track-ids.ts';
import { judgeTrack, type TrackVerdict } from '../redecision/judge-track.ts';
import type { RedecideCounts } from '../redecision/redecide-all.ts';
import { readTrack, trackVerdicts } from '../redecision/track-verdicts.ts';
import { createProgress, isInteractive } from './progress.ts';
import { recordedEvents, type TrackSession } from './track-session.ts';

/** What the rules make of one track or of all. */
export async function* verdictsOn(
  session: TrackSession,
  id: string | undefined,
  rules: Rules,
  signal: AbortSignal,
): AsyncGenerator<readonly TrackVerdict[]> {
  const { ledger, url } = session;
  if (id !== undefined) {
    // Whoever names a track wants to hear that there is none.
    await recordedEvents(session, id);
    yield [judgeTrack(await readTrack(ledger, id), rules)];
    return;
  }
  // Only there the read models are asked which tracks there are.
  if (ledger.streams === undefined) await session.catchUp();
  yield* trackVerdicts({ ledger, rules, trackIds: () => allTrackIds(url), signal });
}

/** Shows on standard error how many tracks were looked at. */
export function tracksProgress(): { readonly onProgress: (counts: RedecideCounts) => void; finish(): void } {
  const progress = createProgress({
    stream: process.stderr,
    isTTY: isInteractive(process.stderr, terminalOf()),
    total: null,
    label: 'tracks',
  });
  return {
    onProgress: ({ tracks, changed, failed }) =>
      progress.update({ done: tracks, enriched: changed, failed, waiting: 0 }),
    finish: progress.finish,
  };
}

/** Aborted by Ctrl-C or SIGTERM. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort()).once('SIGTERM', () => controller.abort());
  return controller.signal;
}
