import type { Client } from 'pg';
import { trackIdOfStream } from '../domain/stream-names.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { readRange } from '../ledger/read-range.ts';
import { applyOneByOne } from './apply-batch.ts';
import { arrivalOf } from './arrival.ts';
import { syncAttached } from './attached-table.ts';
import type { Follower } from './follower.ts';
import type { Parked } from './quarantine.ts';
import { readModels } from './read-models.ts';

interface Request extends Parked {
  readonly request: 'retry' | 'skip';
  readonly requestedBy: string | null;
  readonly requestedWhy: string | null;
}

/**
 * Does what operators asked for parked streams: takes the event once more, or passes over it, and then all that came by
 * since, in order. What cannot be taken again parks the stream again, there.
 */
export async function drainRequested(client: Client, ledger: Ledger, follower: Follower): Promise<void> {
  const { rows } = await client.query<Request>(
    `SELECT read_model AS "readModel", stream, revision, event_id AS "eventId", event_type AS "eventType", error,
            seen_revision AS "seenRevision", attempts, request, requested_by AS "requestedBy",
            requested_why AS "requestedWhy"
       FROM projection_quarantine WHERE request IS NOT NULL ORDER BY read_model, stream`,
  );
  for (const row of rows) await drain(client, ledger, follower, row);
}

async function drain(client: Client, ledger: Ledger, follower: Follower, row: Request): Promise<void> {
  const { readModel, stream, revision, seenRevision } = row;
  const model = readModels.find(({ name }) => name === readModel);
  if (model === undefined) return;
  const from = row.request === 'skip' ? revision + 1 : revision;
  const events = await readRange(ledger, stream, from, seenRevision);
  const { quarantine, checkpoint, isLive } = follower;
  await follower.move(checkpoint, async () => {
    quarantine.release(readModel, stream);
    if (row.request === 'skip') {
      await client.query(
        `INSERT INTO projection_skipped (read_model, stream, revision, event_id, by, why, at)
         VALUES ($1, $2, $3, $4, $5, $6, now()) ON CONFLICT DO NOTHING`,
        [readModel, stream, revision, row.eventId, row.requestedBy ?? '', row.requestedWhy ?? ''],
      );
      quarantine.skip(readModel, stream, revision);
    }
    await applyOneByOne(client, events.map(arrivalOf), quarantine, [model]);
    const trackId = trackIdOfStream(stream);
    if (isLive && trackId !== null) await syncAttached(client, [trackId]);
  });
}
