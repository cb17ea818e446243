import { connect } from './database.ts';
import type { Parked } from './quarantine.ts';

export interface QuarantineRow extends Parked {
  /** ISO 8601. */
  readonly parkedAt: string;
  /** What an operator has asked for and the projector has not done yet. */
  readonly request: 'retry' | 'skip' | null;
}

/** Everything that is parked, the longest first. */
export async function listQuarantine(url: string): Promise<readonly QuarantineRow[]> {
  const client = await connect(url);
  try {
    const { rows } = await client.query<Omit<QuarantineRow, 'parkedAt'> & { readonly parkedAt: Date }>(
      `SELECT read_model AS "readModel", stream, revision, event_id AS "eventId", event_type AS "eventType", error,
              seen_revision AS "seenRevision", attempts, parked_at AS "parkedAt", request
         FROM projection_quarantine ORDER BY parked_at, stream, read_model`,
    );
    return rows.map((row) => ({ ...row, parkedAt: row.parkedAt.toISOString() }));
  } finally {
    await client.end();
  }
}

/** Asks the active projector to take a parked event once more, or to pass over it. Returns how many it concerns. */
export async function requestRelease(
  url: string,
  wanted: {
    readonly request: 'retry' | 'skip';
    /** Null: every one. */
    readonly stream: string | null;
    readonly readModel: string | null;
    readonly by: string;
    readonly why: string;
  },
): Promise<number> {
  const client = await connect(url);
  try {
    const { rowCount } = await client.query(
      `UPDATE projection_quarantine SET request = $1, requested_by = $2, requested_why = $3
        WHERE ($4::text IS NULL OR stream = $4) AND ($5::text IS NULL OR read_model = $5)`,
      [wanted.request, wanted.by, wanted.why, wanted.stream, wanted.readModel],
    );
    return rowCount ?? 0;
  } finally {
    await client.end();
  }
}
