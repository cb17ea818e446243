import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { streamPrefixes } from '../domain/stream-names.ts';
import type { Ledger, Position, SubscriptionMessage } from '../ledger/ledger.ts';
import { insertedMax, syncInserted } from './attached-table.ts';
import { CheckpointMoved, isSame, OtherVersion, Paused, readCheckpoint } from './checkpoint.ts';
import { connect } from './database.ts';
import { drainRequested } from './drain.ts';
import { type Follower, openFollower } from './follower.ts';
import type { Parked } from './quarantine.ts';

/** Keeps the read models in step with the ledger, until it is stopped. */
export interface Projector {
  /** Resolves when all that the ledger held at this call is visible. Rejects when nothing has moved for so long. */
  waitUntilCaughtUp(stillMsMax: number): Promise<void>;
  /** Whether it follows, waits for the active one to go, or was paused. */
  readonly state: ProjectorState;
  /** Where it stands; null before it follows, and before the first event. */
  readonly position: Position | null;
  /** Streams that a read model cannot follow, as far as this projector is the active one. */
  readonly parked: readonly Parked[];
  /** Why it does not follow at the moment; empty: it does, or it stands by for the active one. */
  fault(): readonly string[];
  /** Finishes the batch in hand. */
  stop(): Promise<void>;
}

export type ProjectorState = 'following' | 'standing-by' | 'paused' | 'in-trouble';

export interface ProjectorOptions {
  readonly ledger: Ledger;
  readonly url: string;
  /** Told of every change, with the reason where it is in trouble. */
  readonly onState?: (state: ProjectorState, why: string | null) => void;
}

/** Held by the active projector. */
export const activeLock = 0x70726f6a;
const lockAgainAfterMs = 500;
const pausedLookAgainMs = 500;
const housekeepingEveryMs = 1000;
const backoffMsMin = 100;
const backoffMsMax = 5000;

export function startProjector({ ledger, url, onState = () => undefined }: ProjectorOptions): Projector {
  const stopping = new AbortController();
  const { signal } = stopping;
  let state: ProjectorState = 'standing-by';
  let trouble: string | null = null;
  let isTold = false;
  let follower: Follower | null = null;
  const running = run();

  function become(next: ProjectorState, why: string | null = null): void {
    if (isTold && next === state && why === trouble) return;
    isTold = true;
    state = next;
    trouble = why;
    onState(state, why);
  }

  async function run(): Promise<void> {
    for (let backoffMs = backoffMsMin; !signal.aborted; ) {
      const beganMs = performance.now();
      try {
        await follow();
      } catch (error) {
        if (signal.aborted) return;
        // Another projector, a rebuild or an operator put the checkpoint elsewhere: from there.
        if (!(error instanceof CheckpointMoved)) become('in-trouble', sentenceOf(error));
      }
      follower = null;
      backoffMs =
        performance.now() - beganMs > backoffMsMax ? backoffMsMin : Math.min(backoffMs * 2, backoffMsMax);
      await sleep(backoffMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One session: takes the lock, reads where it stands, follows from there. A lost connection ends it. */
  async function follow(): Promise<void> {
    const client = await connect(url);
    const session = new AbortController();
    const ending = AbortSignal.any([signal, session.signal]);
    let housekeeping: Promise<void> = Promise.resolve();
    try {
      // Said at once, also where the active one is of that other version.
      await openFollower(client, ledger, true);
      while (!(await lockedBy(client))) {
        become('standing-by');
        await sleep(lockAgainAfterMs, undefined, { signal });
      }
      // Rows go with the checkpoint: what a crash of the server takes along is brought in again.
      await client.query('SET synchronous_commit = off');
      const opened = await openFollower(client, ledger, true);
      follower = opened;
      const oneByOne = createLane();
      const after = opened.checkpoint.position;
      become('following');
      let failure: unknown = null;
      housekeeping = keepHouse(() => oneByOne(() => lookAround(client, opened)), ending).catch(
        (error: unknown) => {
          failure = error;
          session.abort();
        },
      );
      for await (const message of ledger.subscribe({ prefixes: streamPrefixes, after, signal: ending })) {
        await oneByOne(() => advance(opened, message));
      }
      if (failure !== null) throw failure;
    } finally {
      session.abort();
      await housekeeping;
      await client.end().catch(() => undefined);
    }
  }

  /** Sees what others did to the tables, and does what operators asked for. */
  async function lookAround(client: Client, opened: Follower): Promise<void> {
    const found = await readCheckpoint(client);
    if (!isSame(found, opened.checkpoint)) throw new CheckpointMoved('The read models were replaced.');
    become(found.isPaused ? 'paused' : 'following');
    if (found.isPaused) return;
    await drainRequested(client, ledger, opened);
    await catchUpAttached(client);
  }

  async function advance(opened: Follower, message: SubscriptionMessage): Promise<void> {
    if (message.kind === 'caught-up') return;
    for (;;) {
      try {
        return await opened.advance(message.events, message.position);
      } catch (error) {
        if (!(error instanceof Paused)) throw error;
        if (state !== 'paused') become('paused');
        await sleep(pausedLookAgainMs, undefined, { signal });
      }
    }
  }

  return {
    get state() {
      return state;
    },
    get position() {
      return follower?.checkpoint.position ?? null;
    },
    get parked() {
      return [...(follower?.quarantine.parked ?? [])];
    },
    async waitUntilCaughtUp(stillMsMax) {
      const target = await ledger.head();
      const client = await connect(url);
      try {
        let reached: Position | null = null;
        let movedAtMs = performance.now();
        while (target !== null) {
          const { position } = await readCheckpoint(client);
          if (position !== null && ledger.isAtOrAfter(position, target)) return;
          if (position !== reached) movedAtMs = performance.now();
          reached = position;
          if (performance.now() - movedAtMs > stillMsMax) {
            throw new Error(
              `The read models stand still at ${position ?? 'the beginning'}, before ${target}, for ${stillMsMax} ms${trouble === null ? '' : `: ${trouble}`}.`,
            );
          }
          await sleep(25);
        }
      } finally {
        await client.end();
      }
    },
    fault: () => (trouble === null ? [] : [`The read models do not follow: ${trouble}`]),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Does a thing over and over, between batches. */
async function keepHouse(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await work();
    await sleep(housekeepingEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** One connection does one thing at a time. */
function createLane(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
}

async function lockedBy(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [
    activeLock,
  ]);
  return rows[0]?.locked === true;
}

function sentenceOf(error: unknown): string {
  if (error instanceof OtherVersion) return error.message;
  const { code, message } = error as { readonly code?: unknown; readonly message?: string };
  if (code === '42P01' || code === '3F000') return 'their tables are missing: "migrate" makes them.';
  return `${message ?? String(error)}.`;
}

/** Rows that were inserted into an attached table meanwhile, and those that somebody held. */
async function catchUpAttached(client: Client): Promise<void> {
  for (let done = insertedMax; done === insertedMax; ) {
    await client.query('BEGIN');
    try {
      done = await syncInserted(client);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}
