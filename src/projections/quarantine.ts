import type { Client } from 'pg';
import type { Arrival } from './arrival.ts';
import type { ReadModelName } from './read-model.ts';

/** A stream that a read model cannot follow at the moment. */
export interface Parked {
  readonly readModel: ReadModelName;
  readonly stream: string;
  /** The event that could not be taken. */
  readonly revision: number;
  readonly eventId: string;
  readonly eventType: string;
  readonly error: string;
  /** The newest event of the stream that came by meanwhile. */
  readonly seenRevision: number;
  readonly attempts: number;
}

/**
 * What is parked and what an operator had passed over, as the tables have it, kept in step with them by whoever follows
 * the ledger. What was changed in memory by a transaction that then failed has to be loaded anew.
 */
export interface Quarantine {
  readonly parked: Iterable<Parked>;
  /** Whether the event is to be left alone; one of a parked stream is remembered as seen. */
  holdsBack(readModel: ReadModelName, arrival: Arrival): boolean;
  park(readModel: ReadModelName, arrival: Arrival, error: unknown): void;
  /** Takes the stream out; what comes after is followed again. */
  release(readModel: ReadModelName, stream: string): void;
  /** Has an event passed over from now on. */
  skip(readModel: ReadModelName, stream: string, revision: number): void;
  /** Writes what has changed, as part of the transaction that the events are in. */
  save(client: Client): Promise<void>;
}

const errorCharsMax = 2000;

type Key = `${ReadModelName} ${string}`;

const keyOf = (readModel: ReadModelName, stream: string): Key => `${readModel} ${stream}`;

export async function loadQuarantine(client: Client): Promise<Quarantine> {
  const { rows } = await client.query<Parked>(
    `SELECT read_model AS "readModel", stream, revision, event_id AS "eventId", event_type AS "eventType", error,
            seen_revision AS "seenRevision", attempts FROM projection_quarantine`,
  );
  return createQuarantine(rows, await loadSkipped(client));
}

/** What operators had passed over, as `read model, stream, revision`. */
export async function loadSkipped(client: Client): Promise<Set<string>> {
  const { rows } = await client.query<{ readModel: ReadModelName; stream: string; revision: number }>(
    'SELECT read_model AS "readModel", stream, revision FROM projection_skipped',
  );
  return new Set(rows.map(({ readModel, stream, revision }) => `${keyOf(readModel, stream)} ${revision}`));
}

/** @param skipped is added to */
export function createQuarantine(rows: readonly Parked[], skipped: Set<string>): Quarantine {
  const parked = new Map<Key, Parked>(rows.map((row) => [keyOf(row.readModel, row.stream), row]));
  const changed = new Set<Key>();
  const attempts = new Map<Key, number>();
  /** Parked anew since the last `save`: what an operator asked for before was about something else. */
  const answered = new Set<Key>();

  return {
    get parked() {
      return parked.values();
    },
    holdsBack(readModel, { stream, revision, event }) {
      if (parked.size === 0 && skipped.size === 0) return false;
      const key = keyOf(readModel, stream);
      const row = parked.get(key);
      if (row !== undefined && event?.type === 'Erased') {
        // What could not be taken is gone, and so is everything else of the stream.
        parked.delete(key);
        changed.add(key);
        return false;
      }
      if (row !== undefined) {
        if (revision > row.seenRevision) {
          parked.set(key, { ...row, seenRevision: revision });
          changed.add(key);
        }
        return true;
      }
      return skipped.has(`${key} ${revision}`);
    },
    park(readModel, { stream, revision, id, type }, error) {
      const key = keyOf(readModel, stream);
      const text = error instanceof Error ? error.message : String(error);
      parked.set(key, {
        readModel,
        stream,
        revision,
        eventId: id,
        eventType: type,
        error: text.slice(0, errorCharsMax),
        seenRevision: revision,
        attempts: (attempts.get(key) ?? 0) + 1,
      });
      changed.add(key);
      answered.add(key);
    },
    release(readModel, stream) {
      const key = keyOf(readModel, stream);
      attempts.set(key, parked.get(key)?.attempts ?? 0);
      parked.delete(key);
      changed.add(key);
    },
    skip(readModel, stream, revision) {
      skipped.add(`${keyOf(readModel, stream)} ${revision}`);
    },
    async save(client) {
      for (const key of changed) {
        const row = parked.get(key);
        if (row !== undefined) await saveParked(client, row, answered.has(key));
        else await removeParked(client, key);
      }
      changed.clear();
      answered.clear();
      attempts.clear();
    },
  };
}

/** @param isAnew what an operator asked for before was about something else */
export async function saveParked(client: Client, row: Parked, isAnew: boolean): Promise<void> {
  await client.query(
    `INSERT INTO projection_quarantine (read_model, stream, revision, event_id, event_type, error, seen_revision,
                                        attempts, parked_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now())
     ON CONFLICT (read_model, stream) DO UPDATE SET revision = excluded.revision, event_id = excluded.event_id,
       event_type = excluded.event_type, error = excluded.error, seen_revision = excluded.seen_revision,
       attempts = excluded.attempts, request = CASE WHEN $9 THEN NULL ELSE projection_quarantine.request END`,
    [
      row.readModel,
      row.stream,
      row.revision,
      row.eventId,
      row.eventType,
      row.error,
      row.seenRevision,
      row.attempts,
      isAnew,
    ],
  );
}

async function removeParked(client: Client, key: Key): Promise<void> {
  const [readModel = '', ...stream] = key.split(' ');
  await client.query('DELETE FROM projection_quarantine WHERE read_model = $1 AND stream = $2', [
    readModel,
    stream.join(' '),
  ]);
}
