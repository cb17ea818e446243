import { isAscii } from 'node:buffer';

/**
 * The ledger port: streams of facts, appended with an expected revision, read back, and followed in one global
 * order. An adapter passes `test/ledger/contract.ts`.
 */
export interface Ledger {
  /**
   * Appends all events or none. Appending the same ids again at the same expected revision succeeds and writes
   * nothing, so an append whose outcome is unknown is settled by repeating it.
   *
   * @param expected the revision that the stream must have; `no-stream` for one that must not exist
   * @throws LedgerUnavailable when the outcome stays unknown after the adapter's bounded repetitions
   * @throws LedgerRefusal when these events can never be appended (empty stream name, over the size limit)
   */
  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<AppendResult>;

  /**
   * Reads a stream; empty for one that does not exist.
   *
   * @throws LedgerUnavailable
   */
  read(stream: string, options?: ReadOptions): Promise<readonly RecordedEvent[]>;

  /**
   * Every event of the streams with these prefixes, in one global order, from the start or after a position:
   * first what is there, then `caught-up`, then what comes, until `signal` aborts. Delivery is at least once.
   * A batch is pulled only when the one before it was handled, so its position is a safe checkpoint then.
   */
  subscribe(options: SubscribeOptions): AsyncIterable<SubscriptionMessage>;

  /**
   * The same with each event as the bytes in which the server sends it, which `readSent` reads, for whoever has many
   * of them read elsewhere. Absent where `streams` is there.
   */
  subscribeSent?(options: SubscribeOptions): AsyncIterable<SubscriptionMessage<SentEvent>>;

  /**
   * The position of the newest event of all; null for an empty ledger.
   *
   * @throws LedgerUnavailable
   */
  head(): Promise<Position | null>;

  /**
   * What keeps the events, for a person: name and version.
   *
   * @throws LedgerUnavailable
   */
  server(): Promise<string>;

  /**
   * How far the head is ahead of a position.
   *
   * @throws LedgerUnavailable
   */
  behind(after: Position | null): Promise<Behind>;

  /**
   * Every stream with these prefixes, whole, as it was at a position; in an order of the ledger's own that is always the
   * same, one after the other. Absent where a ledger has nothing cheaper than its global order.
   *
   * @throws LedgerUnavailable, and the reason of the signal when that aborts: what ends by itself was whole
   */
  streams?(options: StreamsOptions): AsyncIterable<StreamsPage>;

  /**
   * Takes away the events of a stream before a revision, for good; its numbering goes on. Safe to repeat. Where a ledger
   * frees the space later, its subscriptions may go on showing them until then.
   *
   * @throws LedgerUnavailable
   */
  cut(stream: string, beforeRevision: number): Promise<void>;

  /** Whether the first position is at or after the second. */
  isAtOrAfter(position: Position, other: Position): boolean;

  /** Lets appends finish, ends all subscriptions and gives connections back; a second call waits for the first. */
  close(): Promise<void>;
}

export type ExpectedRevision = 'no-stream' | number;

/** An event as the ledger keeps it: JSON data and metadata that it does not look into. */
export interface NewEvent {
  /** A UUID. */
  readonly id: string;
  readonly type: string;
  readonly data: JsonObject;
  readonly metadata: JsonObject;
}

export interface RecordedEvent extends NewEvent {
  readonly stream: string;
  /** Its place in its stream, from 0. */
  readonly revision: number;
  /** Its place in the global order; opaque outside its adapter. */
  readonly position: Position;
}

/** Opaque: only the adapter that made it can read it. */
export type Position = string;

/** A conflict is an answer, not an error: another writer was there first. */
export type AppendResult =
  | { readonly kind: 'appended' /** Of the last event. */; readonly revision: number }
  | { readonly kind: 'conflict' /** -1 where the stream does not exist. */; readonly actual: number };

export interface ReadOptions {
  readonly direction?: 'forwards' | 'backwards';
  /** Inclusive; from the start, or backwards from the end, where it is left out. */
  readonly from?: number;
  /** At most `readCountMax`, which is also the default. */
  readonly maxCount?: number;
}

/** The most events that one read returns. */
export const readCountMax = 10_000;

/** The most bytes of one append, data and metadata as JSON together: what EventStoreDB takes. */
export const appendBytesMax = 1024 * 1024;

export interface SubscribeOptions {
  readonly prefixes: readonly string[];
  /** Exclusive; null: from the beginning. */
  readonly after: Position | null;
  readonly signal: AbortSignal;
}

/** An event as it is kept: JSON that in many need not be parsed. */
export interface StoredEvent extends Omit<RecordedEvent, 'position' | 'data' | 'metadata'> {
  readonly data: ByteText;
  readonly metadata: ByteText;
}

/** An event as EventStoreDB sends it. */
export interface SentEvent {
  readonly bytes: Uint8Array;
  readonly position: Position;
}

/** Whole streams as bytes, which `eventsOf` reads. Its memory is its own, so it can be given to another thread. */
export type StreamsPage = Uint8Array;

/** UTF-8, a character a byte. To look into it costs less than to decode it: what JSON is made of is ASCII. */
export type ByteText = string;

/** The text that the bytes are. */
export function textOf(text: ByteText): string {
  if (text.length <= shortCharsMax) return ascii.test(text) ? text : Buffer.from(text, 'latin1').toString();
  const bytes = Buffer.from(text, 'latin1');
  return isAscii(bytes) ? text : bytes.toString();
}

/** To look at fewer is faster than to copy them. */
const shortCharsMax = 256;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are ASCII as well
const ascii = /^[\x00-\x7f]*$/;

/** Where pages get their memory. */
export interface PageMemory {
  /** What it holds is arbitrary. */
  take(bytesMin: number): Buffer<ArrayBuffer>;
  /** A page that nobody reads any more; it may be part of the memory that was taken. */
  give(page: Uint8Array): void;
}

export interface StreamsOptions {
  readonly prefixes: readonly string[];
  /** Inclusive. */
  readonly upTo: Position;
  /** The last stream that was handed out before; null: from the first. */
  readonly afterStream: string | null;
  readonly memory: PageMemory;
  readonly signal: AbortSignal;
}

/** What of the whole ledger lies after a position. */
export interface Behind {
  /** Null where the ledger cannot count them. */
  readonly events: number | null;
  readonly bytes: number;
  /** When the first of it was recorded, ISO 8601; null where there is nothing. */
  readonly oldestAt: string | null;
}

export type SubscriptionMessage<Event = RecordedEvent> =
  | { readonly kind: 'events'; readonly events: readonly Event[]; readonly position: Position }
  /** Everything that was there has been delivered. `position` is null where the ledger is empty. */
  | { readonly kind: 'caught-up'; readonly position: Position | null };

export type JsonObject = { readonly [key: string]: Json };
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** The ledger is out of reach, or did not say what became of an append. Trying again later is right. */
export class LedgerUnavailable extends Error {
  override readonly name = 'LedgerUnavailable';
}

/** The ledger will never take this. Trying again is pointless. */
export class LedgerRefusal extends Error {
  override readonly name = 'LedgerRefusal';
}
