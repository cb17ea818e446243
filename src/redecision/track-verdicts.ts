import type { Rules } from '../domain/rules.ts';
import { trackStream } from '../domain/stream-names.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { readRange } from '../ledger/read-range.ts';
import { mapInThreads } from '../threads/ordered-map.ts';
import { createPageMemory } from '../threads/page-memory.ts';
import { threadModule } from '../threads/thread.ts';
import { createPageJudge } from './judge-page.ts';
import { judgeTrack, type TrackStream, type TrackVerdict } from './judge-track.ts';

export interface TrackVerdictsOptions {
  readonly ledger: Ledger;
  readonly rules: Rules;
  /** The ids of all tracks, page by page: used where the ledger does not hand out whole streams by itself. */
  readonly trackIds: () => AsyncIterable<readonly string[]>;
  /** Once it aborts nothing more comes. */
  readonly signal: AbortSignal;
}

const readsAtOnceMax = 16;

/** What the rules make of all tracks, some at a time, each once. */
export async function* trackVerdicts(options: TrackVerdictsOptions): AsyncGenerator<readonly TrackVerdict[]> {
  const { ledger, rules, signal, trackIds } = options;
  const upTo = await ledger.head();
  if (upTo === null) return;
  if (ledger.streams === undefined) {
    for await (const page of trackIds()) {
      for (let from = 0; from < page.length; from += readsAtOnceMax) {
        if (signal.aborted) return;
        const ids = page.slice(from, from + readsAtOnceMax);
        yield await Promise.all(
          ids.map(async (trackId) => judgeTrack(await readTrack(ledger, trackId), rules)),
        );
      }
    }
    return;
  }
  // The reading is given up by leaving it, which a signal would make an error of.
  const never = new AbortController().signal;
  const memory = createPageMemory();
  const pages = ledger.streams({ prefixes: ['track-'], upTo, afterStream: null, memory, signal: never });
  for await (const verdicts of mapInThreads(pages, {
    make: createPageJudge,
    setting: rules,
    module: threadModule('judge-thread', import.meta.url),
    done: memory.give,
  })) {
    if (signal.aborted) return;
    yield verdicts;
  }
}

/** @throws LedgerUnavailable */
export async function readTrack(ledger: Ledger, trackId: string): Promise<TrackStream> {
  return { trackId, events: await readRange(ledger, trackStream(trackId)) };
}
