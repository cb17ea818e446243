import { setTimeout as sleep } from 'node:timers/promises';
import type { Redecision } from '../domain/redecide.ts';
import { type ApplyOptions, applyRedecision } from './apply-redecision.ts';
import type { TrackVerdict } from './judge-track.ts';

/** How far it is. */
export interface RedecideCounts {
  readonly tracks: number;
  /** Tracks whose values are others, or would be. */
  readonly changed: number;
  /** Tracks that could not be decided again. */
  readonly failed: number;
}

export interface RedecideOptions {
  /** What the rules make of each track, some at a time. */
  readonly verdicts: AsyncIterable<readonly TrackVerdict[]>;
  readonly signal: AbortSignal;
  /** Records what changes; null: it is only told. */
  readonly apply: (ApplyOptions & { /** Tracks a second. */ readonly rate: number }) | null;
  /** Told of every track whose values are, or would be, others. */
  readonly onChange: (trackId: string, redecision: Redecision) => void;
  /** Told of every track that could not be decided again. */
  readonly onFailure: (trackId: string, reason: string) => void;
  readonly onProgress: (counts: RedecideCounts) => void;
  /** At most so many tracks are looked at. */
  readonly tracksMax?: number;
}

const appendsAtOnceMax = 32;

/** Decides tracks again over their recorded answers. What was decided again before is the same, so it may be repeated. */
export async function redecideAll(options: RedecideOptions): Promise<RedecideCounts> {
  const { signal, apply, onChange, onFailure, tracksMax = Number.POSITIVE_INFINITY } = options;
  const counts = { tracks: 0, changed: 0, failed: 0 };
  const pace = createPace(apply?.rate ?? 1);
  const applying = new Set<Promise<void>>();
  let failure: unknown = null;

  function failed(trackId: string, reason: string): void {
    counts.failed += 1;
    onFailure(trackId, reason);
  }

  async function record(trackId: string, how: ApplyOptions): Promise<void> {
    const applied = await applyRedecision(trackId, how);
    if (applied.kind === 'redecided') {
      counts.changed += 1;
      onChange(trackId, applied.redecision);
    } else if (applied.kind !== 'same') failed(trackId, applied.reason);
  }

  /** Begins to record a track, as fast as it may. */
  async function begin(trackId: string, { rate: _, ...how }: NonNullable<typeof apply>): Promise<void> {
    await pace();
    if (applying.size >= appendsAtOnceMax) await Promise.race(applying);
    const one: Promise<void> = record(trackId, how)
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => applying.delete(one));
    applying.add(one);
  }

  /** False: that was enough. */
  async function take(verdict: TrackVerdict): Promise<boolean> {
    if (signal.aborted || failure !== null || counts.tracks >= tracksMax) return false;
    counts.tracks += 1;
    const { trackId } = verdict;
    if (verdict.kind === 'unreadable') failed(trackId, verdict.reason);
    if (verdict.kind !== 'changes') return true;
    if (apply !== null) await begin(trackId, apply);
    else {
      counts.changed += 1;
      onChange(trackId, verdict.redecision);
    }
    return true;
  }

  async function takeAll(): Promise<void> {
    for await (const verdicts of options.verdicts) {
      for (const verdict of verdicts) if (!(await take(verdict))) return;
      options.onProgress({ ...counts });
    }
  }

  await takeAll().catch((error: unknown) => {
    failure ??= error;
  });
  await Promise.all(applying);
  if (failure !== null) throw failure;
  return counts;
}

/** Lets at most so many pass a second. */
function createPace(rate: number): () => Promise<void> {
  let nextMs = 0;
  return async () => {
    const nowMs = performance.now();
    nextMs = Math.max(nextMs, nowMs);
    const waitMs = nextMs - nowMs;
    nextMs += 1000 / rate;
    if (waitMs >= 1) await sleep(waitMs);
  };
}
