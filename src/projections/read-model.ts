import type { Client } from 'pg';
import type { SkimmedEvent } from '../ledger/skimmed-event.ts';

export const readModelNames = ['tracks', 'tasks', 'metrics'] as const;
export type ReadModelName = (typeof readModelNames)[number];

/** An event that stands in a stream, as far as read models look at it. */
export interface StreamEvent {
  readonly stream: string;
  readonly revision: number;
  readonly event: SkimmedEvent;
}

/** How events become rows of one table, and how these are kept. */
export interface ReadModel {
  readonly name: ReadModelName;
  /** Whether events of this stream concern it. */
  follows(stream: string): boolean;
  /** The rows of these streams, to be changed. */
  load(client: Client, streams: readonly string[]): Promise<Changes>;
  /** Rows of whole streams, one after the other, of which its table holds nothing. */
  fresh(): FreshRows;
  /** Writes such rows, of which some were taken after the others. */
  saveFresh(client: Client, rows: readonly FreshBytes[]): Promise<void>;
}

/** Takes event after event. */
export interface Fold {
  /** @throws where the event cannot be taken; then nothing has changed */
  apply(event: StreamEvent): void;
}

/** Rows in memory, folded further event by event, then written once. */
export interface Changes extends Fold {
  /** Writes what has changed. */
  save(client: Client): Promise<void>;
}

/** Rows on their way into an empty table. They touch no database, so they can be made in another thread. */
export interface FreshRows extends Fold {
  /** The stream is whole: what it came to is among what is taken next, and nothing else of it is remembered. */
  settle(stream: string): void;
  /** The rows of what was settled since. */
  take(): FreshBytes;
}

/** As the read model's own `saveFresh` reads them. */
export type FreshBytes = Uint8Array;

/** An event at its place in a stream that is known. */
export type FactAt = Omit<StreamEvent, 'stream'>;
