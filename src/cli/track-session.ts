import { readConfig } from '../config.ts';
import type { RecordedTrackEvent } from '../domain/events.ts';
import { trackStream } from '../domain/stream-names.ts';
import type { RecordedEvent } from '../ledger/ledger.ts';
import { readRange } from '../ledger/read-range.ts';
import { decodeTrackEvent } from '../ledger/track-events.ts';
import { startProjector } from '../projections/projector.ts';
import { defaultDataDir } from './commands/run.ts';
import { type ReadModelsFlags, type ReadModelsSession, withReadModels } from './read-models-session.ts';
import { timeText } from './time-text.ts';
import { UserError } from './user-error.ts';
import { shown, visibleText } from './visible-text.ts';

/** What questions about tracks work with. */
export interface TrackSession extends ReadModelsSession {
  /** Brings the read models of a data folder, which nobody else follows, in step; others are left to their projector. */
  catchUp(): Promise<void>;
}

const caughtUpMsMax = 60_000;

/** Opens those of DATABASE_URL and LEDGER_URL, or else a data folder. */
export async function withTracks<Value>(
  { dataDir }: ReadModelsFlags,
  use: (session: TrackSession) => Promise<Value>,
): Promise<Value> {
  const folder = dataDir ?? (readConfig().databaseUrl === null ? defaultDataDir : undefined);
  return withReadModels(folder === undefined ? {} : { dataDir: folder }, (session) =>
    use({
      ...session,
      async catchUp() {
        if (folder === undefined) return;
        const projector = startProjector(session);
        await projector.waitUntilCaughtUp(caughtUpMsMax).finally(projector.stop);
      },
    }),
  );
}

/**
 * The stream of a track.
 *
 * @throws UserError where there is none
 */
export async function recordedEvents(
  { ledger }: ReadModelsSession,
  trackId: string,
): Promise<readonly RecordedEvent[]> {
  const events = await readRange(ledger, trackStream(trackId));
  if (events.length > 0) return events;
  throw new UserError(
    `There is no track "${visibleText(trackId)}": \`track find WORDS\` lists tracks with their ids.`,
  );
}

/** Those of them that this version can read. */
export function readableEvents(events: readonly RecordedEvent[]): readonly RecordedTrackEvent[] {
  return events.flatMap((event) => {
    const decoded = decodeTrackEvent(event);
    return 'event' in decoded ? [decoded] : [];
  });
}

/** That a track was erased, and nothing was recorded of it since; null: it was not. */
export function erasureText(trackId: string, events: readonly RecordedTrackEvent[]): string | null {
  const last = events.at(-1)?.event;
  if (last?.type !== 'Erased') return null;
  const { by, why } = last.data;
  return `The track "${visibleText(trackId)}" was erased at ${timeText(last.meta.occurredAt)} UTC by ${shown(by, 60)}: ${shown(why, 200)}`;
}
