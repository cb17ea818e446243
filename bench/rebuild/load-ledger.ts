import type { Ledger } from '../../src/ledger/ledger.ts';
import { encodeTrackEvent } from '../../src/ledger/track-events.ts';
import { type Append, rounds, storyOf } from './story.ts';

const inFlight = 64;

/**
 * Appends the stories of these tracks through the port, round by round.
 *
 * @returns how many events that were
 */
export async function loadLedger(ledger: Ledger, fromTrack: number, tracks: number): Promise<number> {
  let events = 0;
  for (let round = 0; round < rounds; round++) {
    let next = fromTrack;
    const lane = async () => {
      for (let n = next++; n < fromTrack + tracks; n = next++) {
        for (const append of storyOf(n).filter((one) => one.round === round)) {
          events += append.events.length;
          await appended(ledger, append);
        }
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
  }
  return events;
}

export async function appended(ledger: Ledger, { stream, revision, events }: Append): Promise<void> {
  const expected = revision === 0 ? 'no-stream' : revision - 1;
  const { kind } = await ledger.append(stream, expected, events.map(encodeTrackEvent));
  if (kind !== 'appended')
    throw new Error(`${stream} holds something else already: give the benchmark a server of its own.`);
}
