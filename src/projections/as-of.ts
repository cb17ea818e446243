import type { RecordedEvent } from '../ledger/ledger.ts';
import { arrivalOf } from './arrival.ts';
import type { TrackRow } from './schema.ts';
import { applyToTrack } from './tracks.ts';

/** A moment of a track: after a revision of its stream, or after all that was recorded up to a time (ISO 8601). */
export type Moment = { readonly revision: number } | { readonly time: string };

/** The row of a track at a moment. */
export interface RowAsOf {
  /** Null: the track had none, or no longer. */
  readonly row: TrackRow | null;
  /** Of the last event in it; -1 before the first. */
  readonly revision: number;
  /** What comes next cannot be read, so the live row stands still there too; one sentence. */
  readonly stuck: string | null;
}

/** Folds the events of a track as the projector does, up to a moment; null: all of them. */
export function rowAsOf(
  trackId: string,
  events: readonly RecordedEvent[],
  moment: Moment | null = null,
): RowAsOf {
  let row: TrackRow | null = null;
  let revision = -1;
  for (const recorded of events) {
    if (moment !== null && !isBy(recorded, moment)) break;
    const { event, reason } = arrivalOf(recorded);
    if (event === null) return { row, revision, stuck: reason };
    row = applyToTrack(row, trackId, { event, revision: recorded.revision });
    revision = recorded.revision;
  }
  return { row, revision, stuck: null };
}

/** Times never go back within a stream, and are written so that their order is that of their letters. */
function isBy({ revision, metadata }: RecordedEvent, moment: Moment): boolean {
  return 'revision' in moment ? revision <= moment.revision : String(metadata.occurredAt) <= moment.time;
}
