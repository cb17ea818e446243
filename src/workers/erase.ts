import type { AnswerCache } from '../cache/answer-cache.ts';
import type { SharedAnswer } from '../domain/answer.ts';
import type { Erased, RecordedTrackEvent } from '../domain/events.ts';
import { schemaVersions } from '../domain/events.ts';
import { replay } from '../domain/evolve.ts';
import { lookupKey } from '../domain/lookup.ts';
import { countsOf, type HourCounts, sumCounts } from '../domain/provider-counts.ts';
import { trackStream } from '../domain/stream-names.ts';
import type { Ledger, RecordedEvent } from '../ledger/ledger.ts';
import { readRange } from '../ledger/read-range.ts';
import { decodeTrackEvent, encodeTrackEvent } from '../ledger/track-events.ts';
import type { Said } from './operator.ts';

export interface EraseServices {
  readonly ledger: Ledger;
  /** Null where no worker shares one. */
  readonly cache: AnswerCache | null;
  readonly now: () => number;
  readonly newId: () => string;
}

/** What erasing came to. `again`: it was erased before, and what was left of that has been done. */
export type Erasure =
  | { readonly kind: 'erased' | 'again'; readonly events: number; readonly tasks: number }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'contested' };

const conflictsMax = 5;

/**
 * Erases a track: the fact first, then its answers leave the cache, then the stream is cut before the fact. Repeated
 * after a crash it does the rest. Read models drop the rows when they see the fact.
 *
 * @throws LedgerUnavailable
 * @throws Error where the cache cannot say that it has forgotten
 */
export async function eraseTrack(trackId: string, said: Said, services: EraseServices): Promise<Erasure> {
  const { ledger } = services;
  const stream = trackStream(trackId);
  for (let conflicts = 0; conflicts < conflictsMax; conflicts++) {
    const recorded = await readRange(ledger, stream);
    const newest = recorded.at(-1);
    if (newest === undefined) return { kind: 'unknown' };
    const known = recorded.flatMap((event) => {
      const decoded = decodeTrackEvent(event);
      return 'event' in decoded ? [decoded] : [];
    });
    const before = known.at(-1)?.event;
    const isAgain = before?.type === 'Erased' && newest.type === 'Erased';
    const event = isAgain ? before : erasedEvent(recorded, known, said, services);
    const cutAt = isAgain ? newest.revision : newest.revision + 1;
    if (!isAgain) {
      const { kind } = await ledger.append(stream, newest.revision, [encodeTrackEvent(event)]);
      if (kind === 'conflict') continue;
    }
    for (const key of keysOf(recorded)) await services.cache?.forget(key);
    // Last: once they are gone nobody can tell what was asked.
    await ledger.cut(stream, cutAt);
    const { eventCount, taskIds } = event.data;
    return { kind: isAgain ? 'again' : 'erased', events: eventCount, tasks: taskIds.length };
  }
  return { kind: 'contested' };
}

function erasedEvent(
  recorded: readonly RecordedEvent[],
  known: readonly RecordedTrackEvent[],
  said: Said,
  { now, newId }: EraseServices,
): Erased {
  const state = replay(known);
  const at = new Date(now()).toISOString();
  const taskId = newId();
  const taskIds = new Set([...(state.erased?.taskIds ?? []), ...state.tasks.keys()]);
  const earlier = known.flatMap(({ event }) => (event.type === 'Erased' ? [event.data] : []));
  // Of an earlier erasure that was cut, only its fact tells what it took.
  const cutBefore = earlier.filter((_, n) => n === 0 && recorded[0]?.type === 'Erased');
  const removed = cutBefore.reduce((sum, { eventCount }) => sum + eventCount, 0);
  const counts = [...cutBefore.flatMap((data) => data.counts ?? []), ...known.flatMap(countsOfOne)];
  return {
    id: newId(),
    type: 'Erased',
    data: {
      taskIds: [...taskIds],
      eventCount: recorded.length + removed,
      counts: sumCounts(counts),
      ...said,
    },
    meta: {
      occurredAt: at > state.lastOccurredAt ? at : state.lastOccurredAt,
      taskId,
      hop: 0,
      correlationId: taskId,
      causationId: null,
      traceparent: null,
      schemaVersion: schemaVersions.Erased,
    },
  };
}

/** A call that read models could not count is none here either. */
function countsOfOne({ event }: RecordedTrackEvent): readonly HourCounts[] {
  if (event.type !== 'ApiCalled' && event.type !== 'CacheHit') return [];
  try {
    return [countsOf(event)];
  } catch {
    return [];
  }
}

/** Every question that the track asked, also in events that this version cannot read whole. */
function keysOf(recorded: readonly RecordedEvent[]): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const { type, data } of recorded) {
    if (type !== 'ApiCalled' && type !== 'CacheHit') continue;
    try {
      const { provider, lookup } = data as unknown as Pick<SharedAnswer, 'provider' | 'lookup'>;
      keys.add(lookupKey(provider, lookup));
    } catch {
      // What is no question was never cached.
    }
  }
  return keys;
}
