import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client';
import pg from 'pg';

export interface BareEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
  readonly metadata: Record<string, unknown>;
}

/** Appends the events of a new stream, all or none, and nothing where the stream exists. */
export type BareAppend = (stream: string, events: readonly BareEvent[]) => Promise<unknown>;

const connections = 6;

/** The client of the ledger by hand. */
export async function openBareLedger(url: string): Promise<BareAppend> {
  return url.startsWith('esdb') ? eventStore(url) : postgres(url);
}

function eventStore(url: string): BareAppend {
  const client = EventStoreDBClient.connectionString(url);
  return (stream, events) =>
    client.appendToStream(
      stream,
      events.map((event) => jsonEvent(event)),
      { expectedRevision: NO_STREAM },
    );
}

/**
 * What a service without a ledger would write: one INSERT is one transaction, durable, all or none, and a key keeps
 * two writers of a stream apart. Its positions have gaps and come out of order, which the ledger's do not.
 */
async function postgres(url: string): Promise<BareAppend> {
  const pool = new pg.Pool({ connectionString: url, max: connections });
  await pool.query(`CREATE TABLE IF NOT EXISTS bare (position bigserial PRIMARY KEY, stream text, revision int,
    id uuid, type text, data json, metadata json, UNIQUE (stream, revision))`);
  return (stream, events) =>
    pool.query({
      name: 'append',
      text: `INSERT INTO bare (stream, revision, id, type, data, metadata)
             SELECT $1, n - 1, id, type, data, metadata
               FROM unnest($2::uuid[], $3::text[], $4::json[], $5::json[])
                    WITH ORDINALITY AS one (id, type, data, metadata, n)`,
      values: [
        stream,
        events.map(({ id }) => id),
        events.map(({ type }) => type),
        events.map(({ data }) => JSON.stringify(data)),
        events.map(({ metadata }) => JSON.stringify(metadata)),
      ],
    });
}
