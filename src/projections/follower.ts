import type { Client } from 'pg';
import { trackIdOfStream } from '../domain/stream-names.ts';
import type { Ledger, Position, RecordedEvent } from '../ledger/ledger.ts';
import { applyBatch, applyOneByOne, isRefusal } from './apply-batch.ts';
import { type Arrival, arrivalOf } from './arrival.ts';
import { syncAttached } from './attached-table.ts';
import { type Checkpoint, moveCheckpoint, moving, OtherVersion, readCheckpoint } from './checkpoint.ts';
import { loadQuarantine, type Quarantine } from './quarantine.ts';
import { projectionVersion } from './version.ts';

/** Brings events into the read models of one schema, through one connection, and remembers where it stands. */
export interface Follower {
  readonly checkpoint: Checkpoint;
  readonly quarantine: Quarantine;
  /** Whether these are the tables that readers see. */
  readonly isLive: boolean;
  /**
   * Brings in what comes next in the global order, in one transaction with the checkpoint; what lies at or before the
   * checkpoint is left out. After any error it is of no use any more: open another.
   *
   * @throws CheckpointMoved, Paused
   */
  advance(events: readonly RecordedEvent[], to: Position): Promise<void>;
  /** The same within a transaction of the caller's, who has locked the checkpoint. */
  bringIn(events: readonly RecordedEvent[], to: Position): Promise<void>;
  /** Moves the checkpoint alone, together with what `write` does. */
  move(to: Pick<Checkpoint, 'position' | 'filling'>, write?: () => Promise<void>): Promise<void>;
}

/**
 * @param isLive whether these are the tables that readers see: then an attached table is kept in step as well
 * @throws OtherVersion
 */
export async function openFollower(
  client: Client,
  ledger: Pick<Ledger, 'isAtOrAfter'>,
  isLive = false,
): Promise<Follower> {
  let checkpoint = await readCheckpoint(client);
  if (checkpoint.version !== projectionVersion) throw new OtherVersion(checkpoint.version);
  let quarantine = await loadQuarantine(client);

  /** In the order of the ledger, without what was delivered before. */
  function newOf(events: readonly RecordedEvent[]): readonly RecordedEvent[] {
    let { position } = checkpoint;
    return events.filter((event) => {
      if (position !== null && ledger.isAtOrAfter(position, event.position)) return false;
      position = event.position;
      return true;
    });
  }

  /** Many at once, or where the database refuses something of it, one after the other. */
  async function apply(arrivals: readonly Arrival[]): Promise<void> {
    if (arrivals.length === 0) return;
    await client.query('SAVEPOINT batch');
    try {
      await applyBatch(client, arrivals, quarantine);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await client.query('ROLLBACK TO SAVEPOINT batch');
      quarantine = await loadQuarantine(client);
      await applyOneByOne(client, arrivals, quarantine);
    }
    await client.query('RELEASE SAVEPOINT batch');
    if (isLive) await syncAttached(client, trackIdsOf(arrivals));
  }

  async function move(
    to: Pick<Checkpoint, 'position' | 'filling'>,
    write: () => Promise<void> = async () => undefined,
  ): Promise<void> {
    checkpoint = await moving(client, checkpoint, to, write);
  }

  return {
    get checkpoint() {
      return checkpoint;
    },
    get quarantine() {
      return quarantine;
    },
    isLive,
    move,
    async advance(events, position) {
      const arrivals = newOf(events).map(arrivalOf);
      await move({ position, filling: checkpoint.filling }, () => apply(arrivals));
    },
    async bringIn(events, position) {
      await apply(newOf(events).map(arrivalOf));
      checkpoint = await moveCheckpoint(client, checkpoint, { position, filling: checkpoint.filling });
    },
  };
}

function trackIdsOf(arrivals: readonly Arrival[]): readonly string[] {
  return [...new Set(arrivals.flatMap(({ stream }) => trackIdOfStream(stream) ?? []))];
}
