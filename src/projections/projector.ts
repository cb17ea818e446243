import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { RecordedTrackEvent } from '../domain/events.ts';
import { streamPrefixes, trackIdOfStream } from '../domain/stream-names.ts';
import type { Ledger, RecordedEvent, SubscriptionMessage } from '../ledger/ledger.ts';
import { decodeTrackEvent } from '../ledger/track-events.ts';
import { type Checkpoint, CheckpointLost, moveCheckpoint, readCheckpoint } from './checkpoint.ts';
import { connect } from './database.ts';
import type { TrackRow } from './schema.ts';
import { applyToTasks, type StreamEvent } from './tasks-table.ts';
import { applyToTrack } from './tracks.ts';
import { deleteTracks, loadTracks, saveTracks } from './tracks-table.ts';

/** Keeps the read models in step with the ledger, until it is stopped. */
export interface Projector {
  /** Resolves when all that the ledger held at this call is visible. Rejects when that takes longer. */
  waitUntilCaughtUp(withinMs: number): Promise<void>;
  /** Events that this version cannot read and has passed over. */
  readonly unknownEvents: number;
  /** Why it does not follow at the moment; empty: it does, or it stands by for the active one. */
  fault(): readonly string[];
  /** Resolves when it cannot go on. */
  readonly failed: Promise<Error>;
  /** Finishes the batch in hand. */
  stop(): Promise<void>;
}

export interface ProjectorOptions {
  readonly ledger: Ledger;
  readonly url: string;
}

/** Held by the active projector. */
const activeLock = 0x70726f6a;
const lockAgainAfterMs = 500;
const backoffMsMin = 100;
const backoffMsMax = 5000;

export function startProjector({ ledger, url }: ProjectorOptions): Projector {
  const stopping = new AbortController();
  const { signal } = stopping;
  let unknownEvents = 0;
  let failure: Error | null = null;
  let trouble: string | null = null;
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<Error>((resolve) => {
    fail = resolve;
  });
  const running = run().catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error));
    fail(failure);
  });

  async function run(): Promise<void> {
    for (let backoffMs = backoffMsMin; !signal.aborted; backoffMs = Math.min(backoffMs * 2, backoffMsMax)) {
      try {
        await follow();
      } catch (error) {
        if (error instanceof CheckpointLost) throw error;
        if (!signal.aborted) trouble = error instanceof Error ? error.message : String(error);
        await sleep(backoffMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** One session: takes the lock, reads where it stands, follows from there. A lost connection ends it. */
  async function follow(): Promise<void> {
    const client = await connect(url);
    try {
      while (!(await lockedBy(client))) {
        await sleep(lockAgainAfterMs, undefined, { signal });
      }
      let checkpoint = await readCheckpoint(client);
      trouble = null;
      const options = { prefixes: streamPrefixes, after: checkpoint.position, signal };
      for await (const message of ledger.subscribe(options))
        checkpoint = await apply(client, checkpoint, message);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async function apply(
    client: Client,
    checkpoint: Checkpoint,
    message: SubscriptionMessage,
  ): Promise<Checkpoint> {
    if (message.kind === 'caught-up') return checkpoint;
    await client.query('BEGIN');
    unknownEvents += await applyBatch(client, message.events);
    const moved = await moveCheckpoint(client, checkpoint, message.position);
    await client.query('COMMIT');
    return moved;
  }

  return {
    get unknownEvents() {
      return unknownEvents;
    },
    async waitUntilCaughtUp(withinMs) {
      const target = await ledger.head();
      const deadlineMs = performance.now() + withinMs;
      const client = await connect(url);
      try {
        while (target !== null) {
          const { position } = await readCheckpoint(client);
          if (position !== null && ledger.isAtOrAfter(position, target)) return;
          if (failure !== null) throw failure;
          if (performance.now() > deadlineMs)
            throw new Error(`The read models are not at ${target} after ${withinMs} ms.`);
          await sleep(25);
        }
      } finally {
        await client.end();
      }
    },
    fault: () => (trouble === null ? [] : [`The read models do not follow: ${trouble}.`]),
    failed,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function lockedBy(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [
    activeLock,
  ]);
  return rows[0]?.locked === true;
}

/** Brings a batch into every read model. Returns how many events it could not read. */
async function applyBatch(client: Client, events: readonly RecordedEvent[]): Promise<number> {
  const known: StreamEvent[] = [];
  let unknown = 0;
  for (const event of events) {
    const decoded = decodeTrackEvent(event);
    if ('event' in decoded) known.push({ stream: event.stream, recorded: decoded });
    else unknown += 1;
  }
  await applyToTracks(client, known);
  await applyToTasks(client, known);
  return unknown;
}

/** Folds a batch per track in memory and writes each row once. */
async function applyToTracks(client: Client, events: readonly StreamEvent[]): Promise<void> {
  const byTrack = new Map<string, RecordedTrackEvent[]>();
  for (const { stream, recorded } of events) {
    const trackId = trackIdOfStream(stream);
    if (trackId === null) continue;
    const own = byTrack.get(trackId);
    if (own === undefined) byTrack.set(trackId, [recorded]);
    else own.push(recorded);
  }
  const before = await loadTracks(client, [...byTrack.keys()]);
  const changed: TrackRow[] = [];
  const gone: string[] = [];
  for (const [trackId, own] of byTrack) {
    let row = before.get(trackId) ?? null;
    for (const recorded of own) row = applyToTrack(row, trackId, recorded);
    if (row !== null) changed.push(row);
    else gone.push(trackId);
  }
  await saveTracks(client, changed);
  await deleteTracks(client, gone);
}
