import type { ClientBase } from 'pg';
import type { Position } from '../ledger/ledger.ts';
import { projectionVersion } from './version.ts';

/** Where the read models of a schema stand. */
export interface Checkpoint {
  readonly version: number;
  /** Of this schema: another one for every schema that is ever made. */
  readonly generation: string;
  /** Null before the first event. */
  readonly position: Position | null;
  readonly epoch: number;
  readonly isPaused: boolean;
  /** What a rebuild goes on from; null: the tables are filled. */
  readonly filling: Filling | null;
}

/** A rebuild that is filling the tables stream by stream, as they were at `upTo`. */
export interface Filling {
  readonly upTo: Position;
  /**
   * Events that are staged, up to the position of the checkpoint; 0 where the ledger hands out streams, undefined where a
   * version of this program began that staged nothing.
   */
  readonly staged: number | undefined;
  /** The last stream that is in; null: none. */
  readonly afterStream: string | null;
  /** How many events are in. */
  readonly events: number;
  /** Statements that make the indexes again. */
  readonly indexes: readonly string[];
}

/** Somebody else moved the checkpoint, or put other tables in the place of these: what was read no longer holds. */
export class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved';
}

/** The tables are those of another version of this program. */
export class OtherVersion extends Error {
  override readonly name = 'OtherVersion';
  readonly found: number;
  constructor(found: number) {
    super(
      `The read models are of version ${found}, and this program keeps version ${projectionVersion}: ` +
        '"projections rebuild" makes new ones beside them and puts them in their place.',
    );
    this.found = found;
  }
}

/** An operator has paused it. */
export class Paused extends Error {
  override readonly name = 'Paused';
}

interface Row {
  version: number;
  generation: string;
  position: string | null;
  epoch: string;
  paused_at: string | null;
  filling: Filling | null;
}

const undefinedColumn = '42703';
const columns = 'version, generation, position, epoch, paused_at, filling';

/** @throws OtherVersion for tables from before versions were told */
export async function readCheckpoint(client: ClientBase): Promise<Checkpoint> {
  const { rows } = await client
    .query<Row>(`SELECT ${columns} FROM projection_checkpoint`)
    .catch((error: unknown) => {
      throw (error as { readonly code?: unknown }).code === undefinedColumn ? new OtherVersion(1) : error;
    });
  return checkpointOf(rows[0]);
}

/** Reads the checkpoint and keeps everybody else from moving it until the transaction ends. */
export async function lockCheckpoint(client: ClientBase): Promise<Checkpoint> {
  const { rows } = await client.query<Row>({
    name: 'checkpoint-lock',
    text: `SELECT ${columns} FROM projection_checkpoint FOR UPDATE`,
  });
  return checkpointOf(rows[0]);
}

function checkpointOf(row: Row | undefined): Checkpoint {
  if (row === undefined) throw new Error('The read models have no checkpoint: "migrate" makes one.');
  const { version, generation, position, epoch, paused_at: pausedAt, filling } = row;
  return { version, generation, position, epoch: Number(epoch), isPaused: pausedAt !== null, filling };
}

/** The fence between two projectors that both believe to be the active one: whoever read another checkpoint is out. */
export function isSame(one: Checkpoint, other: Checkpoint): boolean {
  return one.version === other.version && one.generation === other.generation && one.epoch === other.epoch;
}

/** Moves the checkpoint that this transaction has locked. */
export async function moveCheckpoint(
  client: ClientBase,
  from: Checkpoint,
  to: Pick<Checkpoint, 'position' | 'filling'>,
): Promise<Checkpoint> {
  const epoch = from.epoch + 1;
  await client.query({
    name: 'checkpoint-move',
    text: 'UPDATE projection_checkpoint SET position = $1, filling = $2, epoch = $3',
    values: [to.position, to.filling === null ? null : JSON.stringify(to.filling), epoch],
  });
  return { ...from, ...to, epoch };
}

/**
 * A transaction that moves the checkpoint from where it was read, together with what `write` writes.
 *
 * @throws CheckpointMoved where it is elsewhere by now
 * @throws Paused
 */
export async function moving(
  client: ClientBase,
  from: Checkpoint,
  to: Pick<Checkpoint, 'position' | 'filling'>,
  write: () => Promise<void>,
): Promise<Checkpoint> {
  await client.query('BEGIN');
  try {
    const found = await lockCheckpoint(client);
    if (found.isPaused) throw new Paused('An operator has paused the read models.');
    if (!isSame(found, from)) throw new CheckpointMoved('Another projector moved the checkpoint.');
    await write();
    const moved = await moveCheckpoint(client, found, to);
    await client.query('COMMIT');
    return moved;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
