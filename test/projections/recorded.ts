import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { RecordedTrackEvent, TrackEvent } from '../../src/domain/events.ts';
import { trackStream } from '../../src/domain/stream-names.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { skimEvent } from '../../src/ledger/skim.ts';
import { encodeTrackEvent } from '../../src/ledger/track-events.ts';
import type { FactAt } from '../../src/projections/read-model.ts';
import { anyStream } from '../support/streams.ts';

/** Events as read models take them. */
export function factsOf(events: readonly RecordedTrackEvent[]): readonly FactAt[] {
  return events.map(({ event, revision }) => ({ event: skimEvent(event), revision }));
}

/** The streams of a few tracks, each as workers and operators may have written it. */
export const anyTracks: fc.Arbitrary<ReadonlyMap<string, readonly TrackEvent[]>> = fc
  .array(anyStream, { minLength: 1, maxLength: 4 })
  .map(
    (streams) =>
      new Map(
        streams.map(({ events }, n) => [
          `track ${n}`,
          // A ledger wants UUIDs; the events keep pointing at each other's old ids, which no law here looks at.
          events.map(({ event }) => ({ ...event, id: randomUUID() })),
        ]),
      ),
  );

/** Orders of the events of all tracks that keep the order within each: a list of whose event comes next. */
export function interleavings(
  tracks: ReadonlyMap<string, readonly TrackEvent[]>,
): fc.Arbitrary<readonly string[]> {
  const turns = [...tracks].flatMap(([trackId, events]) => events.map(() => trackId));
  return fc
    .shuffledSubarray(
      turns.map((_, at) => at),
      { minLength: turns.length, maxLength: turns.length },
    )
    .map((order) => order.map((at) => turns[at] ?? ''));
}

/** Appends the events one by one, in the order of the turns. */
export async function appendInTurn(
  ledger: Ledger,
  tracks: ReadonlyMap<string, readonly TrackEvent[]>,
  turns: readonly string[],
): Promise<void> {
  const next = new Map<string, number>();
  for (const trackId of turns) {
    const at = next.get(trackId) ?? 0;
    const event = tracks.get(trackId)?.[at];
    if (event === undefined) throw new Error(`There is no event ${at} of ${trackId}.`);
    const expected = at === 0 ? 'no-stream' : at - 1;
    const { kind } = await ledger.append(trackStream(trackId), expected, [encodeTrackEvent(event)]);
    if (kind !== 'appended') throw new Error(`Event ${at} of ${trackId} met a conflict.`);
    next.set(trackId, at + 1);
  }
}

export function recordedOf(events: readonly TrackEvent[]): readonly RecordedTrackEvent[] {
  return events.map((event, revision) => ({ event, revision }));
}
