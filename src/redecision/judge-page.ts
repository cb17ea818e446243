import type { Rules } from '../domain/rules.ts';
import { trackIdOfStream } from '../domain/stream-names.ts';
import type { StoredEvent, StreamsPage } from '../ledger/ledger.ts';
import { eventsOf } from '../ledger/streams-page.ts';
import { judgeTrack, type TrackVerdict } from './judge-track.ts';

/** Judges all tracks of a page, in their order. */
export function createPageJudge(rules: Rules): (page: StreamsPage) => readonly TrackVerdict[] {
  return (page) => {
    const verdicts: TrackVerdict[] = [];
    let stream: StoredEvent[] = [];
    const judge = () => {
      const trackId = trackIdOfStream(stream[0]?.stream ?? '');
      if (trackId !== null) verdicts.push(judgeTrack({ trackId, events: stream }, rules));
      stream = [];
    };
    for (const events of eventsOf(page)) {
      for (const event of events) {
        if (stream[0]?.stream !== event.stream) judge();
        stream.push(event);
      }
    }
    judge();
    return verdicts;
  };
}
