import { afterAll, beforeAll } from 'vitest';
import type { TrackEvent } from '../../src/domain/events.ts';
import { trackStream } from '../../src/domain/stream-names.ts';
import type { AppendResult, ExpectedRevision, Ledger, NewEvent } from '../../src/ledger/ledger.ts';
import { openPostgresLedger } from '../../src/ledger/postgres.ts';
import { decodeTrackEvent } from '../../src/ledger/track-events.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

/** The real ledger in a database of this file's own; every test takes track ids of its own in it. */
export function useLedger(): () => Ledger {
  let database: FreshDatabase | null = null;
  let ledger: Ledger | null = null;
  beforeAll(async () => {
    database = await freshDatabase();
    ledger = await openPostgresLedger({ url: database.url });
  });
  afterAll(async () => {
    await ledger?.close();
    await database?.drop();
  });
  return () => {
    if (ledger === null) throw new Error('The ledger is opened before the tests, not before the file.');
    return ledger;
  };
}

export interface Attempt {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly types: readonly string[];
  readonly ids: readonly string[];
}

/** A ledger that tells what it was asked, and may be told what to do first. */
export interface WatchedLedger extends Ledger {
  readonly appends: readonly Attempt[];
  readonly reads: readonly string[];
  /** Before every append reaches the ledger: it may throw, wait, write something else, or answer instead. */
  onAppend(act: (attempt: Attempt) => Promise<AppendResult | undefined>): void;
  onRead(act: (stream: string) => Promise<void>): void;
}

export function watched(ledger: Ledger): WatchedLedger {
  const appends: Attempt[] = [];
  const reads: string[] = [];
  let beforeAppend: (attempt: Attempt) => Promise<AppendResult | undefined> = async () => undefined;
  let beforeRead: (stream: string) => Promise<void> = async () => undefined;
  return {
    ...ledger,
    appends,
    reads,
    onAppend(act) {
      beforeAppend = act;
    },
    onRead(act) {
      beforeRead = act;
    },
    async append(stream, expected, events: readonly NewEvent[]) {
      const attempt = {
        stream,
        expected,
        types: events.map(({ type }) => type),
        ids: events.map(({ id }) => id),
      };
      appends.push(attempt);
      return (await beforeAppend(attempt)) ?? ledger.append(stream, expected, events);
    },
    async read(stream, options) {
      reads.push(stream);
      await beforeRead(stream);
      return ledger.read(stream, options);
    },
  };
}

/** The facts of a stream, all of which this version has to know. */
export async function factsOf(ledger: Ledger, stream: string): Promise<readonly TrackEvent[]> {
  return (await ledger.read(stream)).map((recorded) => {
    const decoded = decodeTrackEvent(recorded);
    if (!('event' in decoded)) throw new Error(decoded.reason);
    return decoded.event;
  });
}

export async function factsOfTrack(ledger: Ledger, trackId: string): Promise<readonly TrackEvent[]> {
  return factsOf(ledger, trackStream(trackId));
}

/** The facts of one type, with their data typed. */
export function ofType<Type extends TrackEvent['type']>(facts: readonly TrackEvent[], type: Type) {
  return facts.filter((fact): fact is Extract<TrackEvent, { type: Type }> => fact.type === type);
}

export const typesOf = (facts: readonly TrackEvent[]) => facts.map(({ type }) => type);
