import { type Command, decideAll } from '../domain/decide.ts';
import type { RecordedTrackEvent, TrackEvent } from '../domain/events.ts';
import { replay } from '../domain/evolve.ts';
import { emptyTrack, type TrackState } from '../domain/state.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { readRange } from '../ledger/read-range.ts';
import { decodeTrackEvent, encodeTrackEvent } from '../ledger/track-events.ts';

/** Conflicts in a row after which a task gives way and waits. */
const conflictsMax = 5;

/**
 * Writes one task's facts to its stream: one append in flight, facts that come meanwhile go with the next one.
 * What is queued are commands, so after a conflict they are decided again from what the stream then says.
 */
export interface Recorder {
  /** Everything that is known to stand in the stream. */
  readonly state: TrackState;
  /**
   * Resolves once the command's fact stands, with the fact; null where the stream made it pointless.
   *
   * A command that fails takes all that come after it along: they build on it.
   *
   * @param withinMs how long it may wait for others to share its append
   * @throws StreamContested after too many conflicts in a row
   * @throws LedgerUnavailable
   */
  record(command: Command, withinMs: number): Promise<TrackEvent | null>;
}

/** Others keep writing to the stream: the task should come again a little later. */
export class StreamContested extends Error {
  override readonly name = 'StreamContested';
}

export interface RecorderOptions {
  readonly ledger: Ledger;
  readonly stream: string;
  readonly state: TrackState;
  readonly onAppending?: (events: readonly TrackEvent[]) => void;
  readonly onAppended: (events: readonly TrackEvent[]) => void;
}

interface Waiting {
  readonly command: Command;
  readonly resolve: (event: TrackEvent | null) => void;
  readonly reject: (error: unknown) => void;
}

export function createRecorder(options: RecorderOptions): Recorder {
  const { ledger, stream, state: known, onAppending, onAppended } = options;
  let state = known;
  let waiting: Waiting[] = [];
  let writing = false;
  let timer: NodeJS.Timeout | null = null;
  let timerDueMs = Number.POSITIVE_INFINITY;
  let failure: { readonly error: unknown } | null = null;

  function schedule(withinMs: number): void {
    if (writing) return;
    const dueMs = performance.now() + withinMs;
    if (dueMs >= timerDueMs) return;
    if (timer !== null) clearTimeout(timer);
    timerDueMs = dueMs;
    if (withinMs <= 0) void write();
    else timer = setTimeout(() => void write(), withinMs);
  }

  async function write(): Promise<void> {
    timer = null;
    timerDueMs = Number.POSITIVE_INFINITY;
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        if (failure === null) await settle(batch);
      } catch (error) {
        failure = { error };
      }
      // Without the fact that was lost, what follows would be decided on half a story, such as a task never received.
      if (failure !== null) for (const { reject } of batch) reject(failure.error);
    }
    writing = false;
  }

  async function settle(batch: readonly Waiting[]): Promise<void> {
    for (let conflicts = 0; conflicts < conflictsMax; conflicts++) {
      const decided = decideAll(
        state,
        batch.map(({ command }) => command),
      );
      if (decided.events.length > 0) {
        const expected = state.revision < 0 ? 'no-stream' : state.revision;
        const appending = ledger.append(stream, expected, decided.events.map(encodeTrackEvent));
        onAppending?.(decided.events);
        const result = await appending;
        if (result.kind === 'conflict') {
          state = await loadTrack(ledger, stream);
          continue;
        }
        onAppended(decided.events);
      }
      state = decided.state;
      for (const [index, { resolve }] of batch.entries()) resolve(decided.results[index] ?? null);
      return;
    }
    throw new StreamContested(`${stream}: ${conflictsMax} appends in a row met another writer's.`);
  }

  return {
    get state() {
      return state;
    },
    record(command, withinMs) {
      return new Promise((resolve, reject) => {
        waiting.push({ command, resolve, reject });
        schedule(withinMs);
      });
    },
  };
}

/** Reads and folds a track's whole stream. Events that this version cannot read keep their revision, no more. */
export async function loadTrack(ledger: Ledger, stream: string): Promise<TrackState> {
  const recorded = await readRange(ledger, stream);
  const known: RecordedTrackEvent[] = [];
  for (const event of recorded) {
    const decoded = decodeTrackEvent(event);
    if ('event' in decoded) known.push(decoded);
  }
  const head = recorded.at(-1)?.revision ?? emptyTrack.revision;
  return { ...replay(known), revision: head };
}
